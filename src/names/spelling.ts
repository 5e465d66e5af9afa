import type { WordFrequencies } from './segment.js';

/** What a slip costs, in Zipf units: a likely slip may lead to a rarer word. */
const slipCosts = { swapped: 0.2, undoubled: 0.3, doubled: 0.5, missing: 1, extra: 1.3, vowel: 1.1, wrong: 1.7 };
/** People seldom miss the first letter. */
const firstLetterCost = 1;
const vowels = new Set('aeiouy');
const alphabet = [...'abcdefghijklmnopqrstuvwxyz'];
/** Rarer words are no likelier than that the writer meant what stands there. */
const rarestMeant = 2.8;
const shortestMended = 3;
/** Longer ones are no words. */
const longestMended = 16;
/** With so many slips of the pen among its words, and no more that nothing explains, a text's slips are mended. */
const fewestSlips = 2;
const slipShare = 0.2;
const strangeShare = 0.5;
/**
 * A slip in a word of so many letters, past its first and with none of them wrong, is hardly chance. Two words of a trade may look like
 * that ("momos", "dosas"): there must be more of them, or other slips, or letters that changed places.
 */
const shortestSure = 5;
const fewestSure = 3;
const manySlips = 4;
/** English has them in nearly every sentence, and other languages seldom. */
const functionWords = new Set(
  'the and for with of your our we from to is by at you they are that not all who when n'.split(' '),
);
/** A text of which fewer words than this are English, as they stand or mended, is in another language. */
const englishShare = 0.75;

/** A text from which a word may have come by one slip. */
interface Origin {
  text: string;
  slip: keyof typeof slipCosts;
  /** Where in the word. */
  place: number;
}

/** What a word would be without one slip: neighbouring letters swapped, one missing, one too many, one wrong. */
export function* origins(word: string): Generator<Origin> {
  for (let place = 0; place <= word.length; place++) {
    const [before, letter = '', after] = [word.slice(0, place), word[place], word.slice(place + 1)];
    const [previous, next] = [word[place - 1], word[place + 1]];
    if (next !== undefined && next !== letter)
      yield { text: before + next + letter + word.slice(place + 2), slip: 'swapped', place };
    if (letter !== '') yield { text: before + after, slip: letter === previous ? 'doubled' : 'extra', place };
    for (const other of alphabet) {
      const isDouble = other === previous || other === letter;
      yield { text: before + other + letter + after, slip: isDouble ? 'undoubled' : 'missing', place };
      const isVowel = vowels.has(other) && vowels.has(letter);
      if (letter !== '' && other !== letter)
        yield { text: before + other + after, slip: isVowel ? 'vowel' : 'wrong', place };
    }
  }
}

interface Meant {
  word: string;
  slip: Origin['slip'];
  /** Whether the slip is past the first letter, and leaves none wrong, in a word long enough. */
  isSure: boolean;
}

/**
 * The listed word that is one slip away and likeliest meant (M. Kernighan, K. Church and W. Gale, "A spelling correction program based
 * on a noisy channel model", COLING 1990).
 *
 * @param word in lower case, itself not listed
 */
function meantBy(word: string, words: WordFrequencies): Meant | undefined {
  let best: (Meant & { score: number }) | undefined;
  for (const { text, slip, place } of origins(word)) {
    const zipf = words.get(text);
    if (zipf === undefined || zipf < rarestMeant) continue;
    const score = zipf - slipCosts[slip] - (place === 0 ? firstLetterCost : 0);
    if (best && score <= best.score) continue;
    best = { word: text, slip, score, isSure: place > 0 && slip !== 'wrong' && word.length >= shortestSure };
  }
  return best;
}

/**
 * An English text with its slips of the pen mended, where it has many: "cermaic tlies for kithcens" reads "ceramic tiles for kitchens".
 * A strange word alone is rather one of a trade ("natation", "durian").
 */
export function mendSlips(text: string, words: WordFrequencies): string {
  if (/[^\P{L}A-Za-z]/u.test(text)) return text;
  const tokens = [...text.matchAll(/(?<![A-Za-z0-9'’-])[A-Za-z]+(?![A-Za-z0-9'’-])/g)]
    .map(({ 0: letters, index }) => ({ letters, word: letters.toLowerCase(), at: index }))
    .filter(({ letters, at }) => !/^[A-Z]/.test(letters) || beginsSentence(text, at));
  const isListed = (word: string) => words.has(word) || (word.endsWith('s') && words.has(word.slice(0, -1)));
  const strange = tokens.filter(({ word }) => word.length >= shortestMended && !isListed(word));
  const fewest = Math.max(fewestSlips, slipShare * tokens.length);
  if (strange.length < fewest) return text;
  const slips = strange.flatMap(({ word, at }) => {
    const meant = word.length <= longestMended ? meantBy(word, words) : undefined;
    return meant ? [{ word, at, meant }] : [];
  });
  const unexplained = strange.length - slips.length;
  const swapped = slips.filter(({ meant }) => meant.slip === 'swapped').map(({ meant }) => meant);
  const sure = slips.filter(({ meant }) => meant.isSure).length;
  const isEnglish = [...tokens, ...swapped].some(({ word }) => functionWords.has(word));
  if (
    slips.length < fewest ||
    sure < fewestSlips ||
    (sure < fewestSure && slips.length < manySlips && swapped.length === 0) ||
    unexplained > Math.min(strangeShare * slips.length, (1 - englishShare) * tokens.length) ||
    !isEnglish
  )
    return text;
  let mended = '';
  let end = 0;
  for (const { at, word, meant } of slips) {
    mended += text.slice(end, at) + meant.word;
    end = at + word.length;
  }
  return mended + text.slice(end);
}

/** Whether nothing stands before, or the end of another sentence: a capital elsewhere begins a name. */
function beginsSentence(text: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && /\s/.test(text[before]!)) before--;
  return before < 0 || /[.!?]/.test(text[before]!);
}
