import unhomoglyph from 'unhomoglyph';

/**
 * A text as a reader would understand it, whatever was done to its letters: compatibility forms and look-alikes of other
 * scripts folded, invisible characters gone, accents off, lower case. For matching only; never shown.
 */
export function normalizeText(text: string): string {
  return collapseSpaces(foldCharacters(text));
}

/**
 * What draws nothing: format characters, all that Unicode lets a renderer ignore (joiners, fillers, variation selectors),
 * and control characters that are no white space.
 */
const unseen = String.raw`(?:[\p{Cf}\p{Default_Ignorable_Code_Point}]|(?!\s)\p{Cc})`;
const unseenRuns = new RegExp(`${unseen}+`, 'gu');

const collapseSpaces = (text: string) => text.replace(/\s+/g, ' ').trim();

function foldCharacters(text: string): string {
  return [...text.normalize('NFKC')]
    .map((character) => (character > '\u007f' ? foldLookAlike(character) : character))
    .join('')
    .replace(unseenRuns, '')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase();
}

/** A character of another script that looks like an ASCII letter becomes that letter; all else stays. */
function foldLookAlike(character: string): string {
  const folded = unhomoglyph(character);
  return /^[\x20-\x7e]+$/.test(folded) ? folded : character;
}

const leetLetters: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
  '|': 'l',
  '+': 't',
  '€': 'e',
};

const leetRun = /[a-z0134578@$!|+€]+/g;

/** Where the last of some characters stands, -1 where none does. */
function lastPlace(text: string, characters: RegExp): number {
  let at = text.length - 1;
  while (at >= 0 && !characters.test(text[at]!)) at--;
  return at;
}

/** Reads digits and signs inside words as the letters they stand for; plain numbers ("24", "3rd") stay. */
export function readLeet(normalized: string): string {
  return normalized.replace(/\S+/g, (token) => {
    // A run is read where a letter and a sign come in it or after it.
    const reach = Math.min(lastPlace(token, /[a-z]/), lastPlace(token, /[0134578@$!|+€]/));
    return token.replace(leetRun, (run, at: number) => (at <= reach ? readRun(run) : run));
  });
}

function readRun(run: string): string {
  if (/^\d+(st|nd|rd|th|s|k|m|cm|mm|kg|g|d|h|x|am|pm|v)?[!+]*$/.test(run)) return run;
  const bodyLength = lastPlace(run, /[^!+|]/) + 1;
  const body = run.slice(0, bodyLength);
  return body.replace(/[0134578@$!|+€]/g, (sign) => leetLetters[sign] ?? sign) + run.slice(bodyLength);
}

/**
 * Joins letters that were spaced or dotted apart: "c o c a i n e", "g.u.n.s". Needs three or more single letters in a
 * row; a wider gap parts words.
 */
export function joinSpacedLetters(folded: string): string {
  return folded.replace(/(?<![\p{L}\p{N}])(?:[\p{L}\p{N}@$!][\s.\-_*]){2,}[\p{L}\p{N}@$!](?![\p{L}\p{N}])/gu, (run) =>
    run.replace(/[\s.\-_*]/g, ''),
  );
}

/** Folds runs of three or more of one letter to one: "freeee". */
function squeezeRepeats(text: string): string {
  return text.replace(/([a-z])\1{2,}/g, '$1');
}

/** The readings of a text that a matcher should see: as normalized, and with every disguise undone. */
export function readings(text: string): string[] {
  const plain = normalizeText(text);
  const undone = collapseSpaces(squeezeRepeats(readLeet(joinSpacedLetters(foldCharacters(text)))));
  return plain === undone ? [plain] : [plain, undone];
}

/** Invisible between Latin letters; Persian and Hindi need theirs. */
const invisible = new RegExp(String.raw`\p{Script=Latin}${unseen}+\p{Script=Latin}`, 'u');
/** Strokes through letters, rings around them, and piles of marks: no language writes its Latin letters so. */
const overdrawn = /\p{Script=Latin}(?:\p{M}{0,2}[\u0334-\u0338\u0488\u0489\u20d0-\u20f0]|\p{M}{3})/u;
const mixedScripts =
  /\p{Script=Latin}\p{M}*[\p{Script=Cyrillic}\p{Script=Greek}]|[\p{Script=Cyrillic}\p{Script=Greek}]\p{M}*\p{Script=Latin}/u;
/** So many letters of another form ("ｇｕｎｓ") are no trade mark or ligature. */
const otherForms = 3;

/** Whether a text's letters are not what they seem: folding an honest Russian or Hindi text would only garble it. */
function isMasked(text: string): boolean {
  const reformed = [...text].filter((letter) => letter > '\u007f' && /^[a-z]+$/i.test(letter.normalize('NFKC')));
  return invisible.test(text) || overdrawn.test(text) || mixedScripts.test(text) || reformed.length >= otherForms;
}

/**
 * The text with its disguise undone, where it wears one: leetspeak, letters spaced apart, invisible characters, letters
 * overdrawn with marks, of another form, or of several scripts in one word. Undefined for any other.
 */
export function unmasked(text: string): string | undefined {
  const [plain, undone] = readings(text);
  return undone ?? (isMasked(text) ? plain : undefined);
}

/** From this many disguised words on, a text is taken to be disguised and not merely to hold an odd word. */
const disguisedWords = 3;
const disguisedWord = /\p{L}[013457@$]+\p{L}|(?<![\p{L}\p{N}])(?:\p{L}[ .-]){3,}\p{L}(?![\p{L}\p{N}])/gu;

/**
 * A text with its disguises undone where they are no chance ("n4m3 mu5t c0nt41n orchid"; "mp3" is none), and single words whose letters are not
 * what they seem read as the English ones that they look like; all else as it is.
 */
export function undisguise(text: string): string {
  const disguised = text.match(disguisedWord)?.length ?? 0;
  if (disguised >= disguisedWords) return readings(text).at(-1) ?? text;
  return text.replace(/\S+/gu, (word) => {
    if (!isMasked(word)) return word;
    const plain = normalizeText(word);
    return /^[\x20-\x7e]+$/.test(plain) ? plain : word;
  });
}
