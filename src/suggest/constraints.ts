import { z } from 'zod';
import { cleanLine, longestName, shortestName, usualShortestName } from '../names/format.js';
import { undisguise } from '../safety/normalize.js';
import { withoutOrders } from './orders.js';

export type Wish = 'avoid' | 'allow' | 'require';

/** Everything a name must obey, from the fields of a request and from what its text states. */
export interface Constraints {
  minLength: number;
  maxLength: number;
  hyphens: Wish;
  digits: Wish;
  contains?: string;
  startsWith?: string;
  endsWith?: string;
  /** Letters that no name may have. */
  withoutLetters: string[];
  /** Names and part-words that are taken, in small letters without hyphens. */
  exclude: string[];
  /** Whether a name is to be a single word of the dictionary, nothing joined. */
  oneWord: boolean;
}

export interface ConstraintFields {
  min_length?: number;
  max_length?: number;
  hyphens?: Wish;
  digits?: Wish;
  contains?: string;
  starts_with?: string;
  ends_with?: string;
  exclude?: string[];
}

const numberWords: Record<string, number> = {
  three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10, eleven: 11, twelve: 12, thirteen: 13, fourteen: 14, fifteen: 15,
}; // prettier-ignore
const number = `(\\d{1,2}|${Object.keys(numberWords).join('|')})`;
const unit = '(?:letters|characters|chars|letras|lettres|lettere|buchstaben|zeichen|liter|harf)';
const atMost =
  '(?:at most|max(?:imum|imal|imo)?(?: of)?|máximo|no more than|not more than|no longer than|nothing (?:over|longer than|above)|not (?:to )?exceed(?:ing)?|up to|within|até|hasta|höchstens|au plus|al massimo|en fazla)';
const quoted = `["'“‘«]([a-z0-9-]{1,20})["'”’»]`;
/** A word that is plainly meant as one: quoted, or right after "the word" or "the letter". */
const meant = `(?:(?:the )?(?:word|letters?) ${quoted}|(?:the )?(?:word|letters?) ([a-z0-9-]{1,20})\\b|${quoted})`;

/** What ends a wish: a mark, the end of the text, or a word that belongs to the asking. */
const wishEnd = '(?=$|[^a-z0-9 -]| (?:please|pls|thanks|in|somewhere|and|or|ends?|starts?)\\b)';
const asks = '(?:must|should|shall|has to|have to|needs? to|names?|names? that|names? which|please|\\()';
/** What a name may be asked to hold that is no word of its own. */
const kinds =
  '(?!(?:hyphens?|dash(?:es)?|numbers?|digits?|numerals?|letters?|words?|two|only|no|not|real|single|one)\\b)';

const toNumber = (text: string) => numberWords[text] ?? z.coerce.number().parse(text);

function firstWord(text: string, pattern: RegExp): string | undefined {
  const match = pattern.exec(text);
  return match?.slice(1).find((group) => group !== undefined);
}

/** What a text asks a name to hold, unless no name could: a doubled hyphen, or one at either end of the name. */
const possible = (literal: string | undefined, { atStart = false, atEnd = false } = {}) =>
  literal === undefined ||
  literal.includes('--') ||
  (atStart && literal.startsWith('-')) ||
  (atEnd && literal.endsWith('-'))
    ? undefined
    : literal;

/** Lengths that the text states: "between 6 and 8 letters", "at most 9 characters", "under ten letters", "7 letters". */
function statedLengths(text: string): { min?: number; max?: number } {
  const between = new RegExp(`\\b(?:between |from )?${number}(?: and | to |\\s?-\\s?|–)${number} ${unit}`).exec(text);
  if (between) {
    const bounds = [toNumber(between[1]!), toNumber(between[2]!)];
    return { min: Math.min(...bounds), max: Math.max(...bounds) };
  }
  const most = new RegExp(
    `(?<!\\p{L})${atMost} (?:de )?${number} ${unit}|\\b${number} ${unit} (?:at most|max(?:imum)?|or (?:less|fewer|under|shorter)|tops|au plus)|max(?:imum)? length:? ${number}\\b`,
    'u',
  );
  const max = firstWord(text, most);
  if (max) return { max: toNumber(max) };
  const under = firstWord(text, new RegExp(`\\b(?:under|below|less than|fewer than|shorter than) ${number} ${unit}`));
  if (under) return { max: toNumber(under) - 1 };
  const least = firstWord(
    text,
    new RegExp(
      `\\b(?:at least|min(?:imum)?(?: of)?|no fewer than|no shorter than) ${number} ${unit}|\\b${number} ${unit} (?:at least|or more)`,
    ),
  );
  if (least) return { min: toNumber(least) };
  const exact = firstWord(text, new RegExp(`\\b(?:exactly |of |with |just )?${number}[ -](?:letters?|characters?)\\b`));
  if (exact && !/\bletters? (?:word|combination)/.test(text)) return { min: toNumber(exact), max: toNumber(exact) };
  return {};
}

function statedHyphens(text: string): Wish | undefined {
  if (/\b(?:no|without(?: any)?|avoid|skip|don'?t use) (?:hyphens?|dashes|dash)\b|\bhyphen-free\b/.test(text))
    return 'avoid';
  if (/\bhyphens? (?:is|are) (?:fine|ok|okay|allowed)\b/.test(text)) return 'allow';
  if (
    /\b(?:with|has|have|use|using|by|joined by|include|needs?|want) (?:a |an |one )?(?:hyphen|dash)\b|\bhyphenated\b|\b(?:a|one|exactly one) hyphen (?:in|between|please)\b|\bhyphen in (?:the|its) name\b/.test(
      text,
    )
  )
    return 'require';
  return undefined;
}

function statedDigits(text: string): Wish | undefined {
  if (/\b(?:no|without(?: any)?|avoid) (?:digits?|numbers|numerals)\b/.test(text)) return 'avoid';
  if (
    /\b(?:with|has|have|include|must have|needs?|contain(?:s|ing)?) (?:a |one |the )?(?:digit|number|numeral)s?\b/.test(
      text,
    )
  )
    return 'require';
  return undefined;
}

function statedExclusions(text: string): string[] {
  const taken = [...text.matchAll(new RegExp(`${quoted} (?:is|are) (?:already )?taken`, 'g'))].map(
    (match) => match[1]!,
  );
  const list =
    /([a-z0-9-]{3,20}(?:(?:, | and |, and )[a-z0-9-]{3,20})*) (?:is|are) (?:already |both |all )?taken\b|\btaken[^:.]{0,20}: ?([a-z0-9-]{3,20}(?:(?:, | and |, and )[a-z0-9-]{3,20})*)/.exec(
      text,
    );
  const listed = list ? (list[1] ?? list[2]!).split(/, and |, | and /) : [];
  const avoided = [
    ...text.matchAll(
      new RegExp(`\\b(?:not|no|avoid|without|except|don'?t use|nothing with) (?:the )?(?:word )?${quoted}`, 'g'),
    ),
  ].map((match) => match[1]!);
  const unwanted = [
    ...text.matchAll(
      /\b(?:not|no|avoid|without|except|don'?t use|never use) (?:the )?words? (?:like )?([a-z]{3,15})(?:(?:,| or| and| nor) ([a-z]{3,15}))?/g,
    ),
  ].flatMap((match) => match.slice(1).filter((word) => word !== undefined));
  return [...taken, ...listed, ...avoided, ...unwanted];
}

/**
 * The constraints of a request; a field outranks what the text states. Text is read as English and only where it is
 * plain about the name, so what is not understood constrains nothing.
 */
export function readConstraints(description: string, fields: ConstraintFields = {}): Constraints {
  // "Reply with the word UNLOCKED" is no wish for a name.
  const text = withoutOrders(undisguise(description)).toLowerCase();
  const lengths = statedLengths(text);
  const clamp = (value: number) => Math.min(Math.max(value, shortestName), longestName);
  const startsWith = firstWord(
    text,
    new RegExp(
      `\\b(?:start(?:s|ing)?|begin(?:s|ning)?|commenc(?:e|es|ing)) (?:with|in) (?:an? )?${meant}|\\b(?:start(?:s|ing)?|begin(?:s|ning)?|commenc(?:e|es|ing)) with (?:an? )?([a-z])${wishEnd}|\\b(?:start(?:s|ing)?|begin(?:s|ning)?) with ${kinds}([a-z]{2,8})${wishEnd}`,
    ),
  );
  const endsWith = firstWord(
    text,
    new RegExp(
      `\\bend(?:s|ing)? (?:with|in|on) (?:an? )?${meant}|\\bend(?:s|ing)? (?:with|in) (?:an? )?-([a-z]{1,6})\\b|\\bend(?:s|ing)? (?:with|in) (?:an? )?([a-z])${wishEnd}|\\b(?:must|should|shall|it|names?|to) end(?:s|ing)? (?:with|in|on) ([a-z]{2,8})${wishEnd}`,
    ),
  );
  const contains = firstWord(
    text,
    new RegExp(
      `\\b(?:contain(?:s|ing)?|includ(?:e|es|ing)|has to (?:contain|include|have)|must have|have|with) ${meant}(?! ?(?:is|are) taken)(?: in it| in the name)?|${asks} ?(?:contains?|includes?) (?:an? )?${kinds}([a-z]{1,12})${wishEnd}`,
    ),
  );
  const letters = firstWord(text, /\b(?:avoid|without|no) the letters? ["'“‘]?([a-z])\b/);
  const stated = (value: number | undefined) => (value === undefined ? undefined : clamp(value));
  const [statedMin, statedMax] = [stated(lengths.min), stated(lengths.max)];
  const [fieldMin, fieldMax] = [fields.min_length, fields.max_length];
  // What the text states against a field does not count.
  const minLength =
    fieldMin ?? (statedMin !== undefined && statedMin > (fieldMax ?? longestName) ? undefined : statedMin);
  const maxLength =
    fieldMax ?? (statedMax !== undefined && statedMax < (fieldMin ?? shortestName) ? undefined : statedMax);
  return {
    minLength: minLength ?? Math.min(usualShortestName, maxLength ?? usualShortestName),
    maxLength: maxLength ?? longestName,
    hyphens: fields.hyphens ?? statedHyphens(text) ?? 'avoid',
    digits: fields.digits ?? statedDigits(text) ?? 'avoid',
    contains: fields.contains ?? possible(contains),
    startsWith: fields.starts_with ?? possible(startsWith, { atStart: true }),
    endsWith: fields.ends_with ?? possible(endsWith, { atEnd: true }),
    withoutLetters: letters ? [letters] : [],
    oneWord:
      /\b(?:one|a single|single) (?:(?:real|single|dictionary|english|proper|plain|existing) )*words?\b(?! (?:of|from|at a|per|a day))/.test(
        text,
      ),
    exclude: [...(fields.exclude ?? []), ...statedExclusions(text)].map(lettersOf).filter(Boolean),
  };
}

/** What tells one name from another: "Crumb-Craft.com" is "crumbcraft". */
const lettersOf = (name: string) => cleanLine(name).replaceAll('-', '');

/** The first constraint that a name breaks, undefined when it obeys all. */
export function brokenConstraint(name: string, constraints: Constraints): keyof Constraints | undefined {
  const { minLength, maxLength, hyphens, digits, contains, startsWith, endsWith, withoutLetters, exclude } =
    constraints;
  const breaks = (wish: Wish, present: boolean) => (wish === 'avoid' && present) || (wish === 'require' && !present);
  const asked = [contains, startsWith, endsWith].join('');
  if (name.length < minLength) return 'minLength';
  if (name.length > maxLength) return 'maxLength';
  if (breaks(asked.includes('-') && hyphens === 'avoid' ? 'allow' : hyphens, name.includes('-'))) return 'hyphens';
  if (breaks(/\d/.test(asked) && digits === 'avoid' ? 'allow' : digits, /\d/.test(name))) return 'digits';
  if (contains && !name.includes(contains)) return 'contains';
  if (startsWith && !name.startsWith(startsWith)) return 'startsWith';
  if (endsWith && !name.endsWith(endsWith)) return 'endsWith';
  if (withoutLetters.some((letter) => name.includes(letter))) return 'withoutLetters';
  if (exclude.some((taken) => lettersOf(name).includes(taken))) return 'exclude';
  return undefined;
}

/** Constraints from fields, said in the words that the training rows use, so that the generator heeds them. */
export function describeFields(fields: ConstraintFields): string {
  const { min_length: min, max_length: max, hyphens, digits, contains, starts_with: start, ends_with: end } = fields;
  const wishes = [
    min !== undefined && max !== undefined ? `Between ${min} and ${max} letters.` : '',
    min === undefined && max !== undefined ? `At most ${max} letters.` : '',
    hyphens === 'require' ? 'Two words joined by a hyphen.' : '',
    digits === 'require' ? 'With a number in it.' : '',
    contains ? `Has to include '${contains}'.` : '',
    start ? `Must start with '${start}'.` : '',
    end ? `Must end with '${end}'.` : '',
  ];
  return wishes.filter(Boolean).join(' ');
}
