/** Words and how common they are, on the Zipf scale: log10 of occurrences per billion words. */
export type WordFrequencies = ReadonlyMap<string, number>;

export interface Part {
  text: string;
  /** Whether `text` stands in the word list. */
  known: boolean;
}

export interface Segmentation {
  parts: Part[];
  /** Share of the letters that known words cover, 0 to 1. */
  coverage: number;
}

/** Two-letter words that people do put into names; every other pair of letters is noise. */
const shortWords = new Set(
  'ad am an as at be by do go he hi if in is it me my no of ok on or ox so to up us we'.split(' '),
);
const longestWord = 16;
/** Zipf value at which a word costs nothing; the commonest English word is at 7.7. */
const zipfCeiling = 8;
/** A run of letters outside the word list costs more than any rare word, and more the longer it is. */
const unknownStartCost = 15;
const unknownLetterCost = 2;
/** One letter between words is a misread word more often than a letter. */
const loneLetterCost = 6;
const wordCost = 1.5;

export function parseWordFrequencies(tsv: string): WordFrequencies {
  const words = new Map<string, number>();
  for (const line of tsv.split('\n')) {
    const [word, zipf] = line.split('\t');
    if (word && zipf) words.set(word, Number(zipf));
  }
  return words;
}

function isWord(text: string, words: WordFrequencies): boolean {
  if (text.length < 2) return false;
  if (text.length === 2) return shortWords.has(text);
  return words.has(text);
}

/**
 * Splits a name into the likeliest words: the cheapest path over unigram costs (Viterbi), where letters outside the word
 * list stay together as one unknown part. Hyphens and digits are borders; digits are parts of their own.
 */
export function segment(name: string, words: WordFrequencies): Segmentation {
  const parts: Part[] = [];
  for (const run of name.toLowerCase().match(/[a-z]+|[0-9]+/g) ?? []) {
    if (/[0-9]/.test(run)) parts.push({ text: run, known: true });
    else parts.push(...segmentLetters(run, words));
  }
  const letters = parts.reduce((sum, part) => sum + part.text.length, 0);
  const known = parts.reduce((sum, part) => sum + (part.known ? part.text.length : 0), 0);
  return { parts, coverage: letters === 0 ? 0 : known / letters };
}

interface Step {
  cost: number;
  from: number;
  known: boolean;
}

function segmentLetters(run: string, words: WordFrequencies): Part[] {
  const best: Step[] = [{ cost: 0, from: 0, known: true }];
  for (let end = 1; end <= run.length; end++) {
    let step: Step = { cost: Infinity, from: 0, known: false };
    for (let from = 0; from < end; from++) {
      const before = best[from]!;
      const text = run.slice(from, end);
      const known = text.length <= longestWord && isWord(text, words);
      const cost = known
        ? wordCost + (zipfCeiling - (words.get(text) ?? zipfCeiling / 2))
        : unknownStartCost + unknownLetterCost * text.length + (text.length === 1 ? loneLetterCost : 0);
      // Two unknown runs in a row are one unknown run.
      if (!known && from > 0 && !before.known) continue;
      if (before.cost + cost < step.cost) step = { cost: before.cost + cost, from, known };
    }
    best.push(step);
  }
  const parts: Part[] = [];
  for (let end = run.length; end > 0;) {
    const step = best[end]!;
    parts.unshift({ text: run.slice(step.from, end), known: step.known });
    end = step.from;
  }
  return parts;
}

/** The words of a name that carry meaning: known, three letters or more, no digits. */
export function partWords(name: string, words: WordFrequencies): string[] {
  return segment(name, words)
    .parts.filter((part) => part.known && part.text.length >= 3 && !/[0-9]/.test(part.text))
    .map((part) => part.text);
}
