import { segment, type WordFrequencies } from '../names/segment.js';
import { origins } from '../names/spelling.js';

/** Commoner words ("the", "business", "small") say nothing of a trade. */
const commonestZipf = 5.3;
/** What a word counts for that stands in the description and in no list: one that is known, and rare. */
const unlistedZipf = 2.5;
const shortest = 3;
const shortestUnlisted = 4;
const longest = 10;
/** With more words that no list has, and more than one, a text is in another language or disguised: few of them are nouns there. */
const unlistedShare = 0.4;

/**
 * The words of a description that could stand in a name, in the letters of a name: those that experts have used, and in
 * English text such as no list has and no slip of the pen explains ("durian", "cassoulet").
 *
 * @param used whether experts have put a word into a name
 */
export function ownWords(description: string, words: WordFrequencies, used: (word: string) => boolean): string[] {
  const said = description
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => /^\p{L}+$/u.test(word));
  const unlisted = said.filter((word) => word.length >= shortest && !words.has(word)).length;
  const isEnglish = unlisted <= Math.max(1, unlistedShare * said.length);
  const found = said.filter((word) => {
    if (!/^[a-z]+$/.test(word) || word.length > longest) return false;
    const zipf = words.get(word);
    if (zipf !== undefined) return word.length >= shortest && zipf <= commonestZipf && used(word);
    if (!isEnglish || word.length < shortestUnlisted) return false;
    // Words run together are no word of a trade: a caller may be putting a name into the answer's mouth.
    return segment(word, words).coverage < 1 && !isSlip(word, words);
  });
  return [...new Set(found)];
}

const slips = new Set(['swapped', 'missing', 'undoubled']);

/** Whether two neighbouring letters changed places, or one letter left out, would make it a listed word. */
function isSlip(word: string, words: WordFrequencies): boolean {
  for (const { text, slip } of origins(word)) if (slips.has(slip) && words.has(text)) return true;
  return false;
}

/** The word list and the words of a description: what a customer says is a word, "durian" as much as "apple". */
export function withOwnWords(words: WordFrequencies, own: readonly string[]): WordFrequencies {
  const unlisted = new Set(own.filter((word) => !words.has(word)));
  if (unlisted.size === 0) return words;
  return {
    get: (word) => words.get(word) ?? (unlisted.has(word) ? unlistedZipf : undefined),
    has: (word) => words.has(word) || unlisted.has(word),
  };
}
