/** Words and how common they are, on the Zipf scale: log10 of occurrences per billion words. */
export type WordFrequencies = Pick<ReadonlyMap<string, number>, 'get' | 'has'>;

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

export function parseWordFrequencies(tsv: string): ReadonlyMap<string, number> {
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

/** Rarer words explain letters by accident more often than by intent. */
const readableZipf = 2.6;

/** Glue between words: beside a find they make no reading of their own. */
const functionWords = new Set('and the for are was but not all our out his her you who has had its'.split(' '));

/**
 * Where a text can be cut so that ordinary words account for all letters on one side: `before[i]` for the first `i`
 * letters, `after[i]` for those from `i` on. An empty side counts as accounted for.
 * @param glue whether words of two letters and function words count
 */
export function readingBorders(
  text: string,
  words: WordFrequencies,
  glue: boolean,
): { before: boolean[]; after: boolean[] } {
  const readable = (part: string) => {
    if (part.length === 2) return glue && shortWords.has(part);
    return part.length > 2 && (words.get(part) ?? 0) >= readableZipf && (glue || !functionWords.has(part));
  };
  const before = [true];
  for (let end = 1; end <= text.length; end++) {
    const digit = /\d/.test(text[end - 1]!);
    let reached = digit && before[end - 1]!;
    for (let from = Math.max(0, end - longestWord); from < end && !reached; from++)
      reached = before[from]! && readable(text.slice(from, end));
    before.push(reached);
  }
  const after: boolean[] = [];
  after[text.length] = true;
  for (let from = text.length - 1; from >= 0; from--) {
    const digit = /\d/.test(text[from]!);
    let reached = digit && after[from + 1]!;
    for (let end = from + 1; end <= Math.min(text.length, from + longestWord) && !reached; end++)
      reached = after[end]! && readable(text.slice(from, end));
    after[from] = reached;
  }
  return { before, after };
}

/** Where a run of letters stands in a text: [from, to) of each. */
export function places(text: string, run: string): [number, number][] {
  const found: [number, number][] = [];
  for (let at = text.indexOf(run); at >= 0; at = text.indexOf(run, at + 1)) found.push([at, at + run.length]);
  return found;
}

/** Whether letters lie within one ordinary word that holds more than them ("therapist", "cockpit"). */
export function insideKnownPart(parts: readonly Part[], from: number, to: number): boolean {
  let start = 0;
  for (const { text, known } of parts) {
    if (from >= start && to <= start + text.length) return known && to - from < text.length;
    start += text.length;
  }
  return false;
}
