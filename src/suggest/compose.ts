import { segment, type WordFrequencies } from '../names/segment.js';
import { alliterates, isPronounceable, rhymes } from '../names/sound.js';
import { brokenConstraint, type Constraints } from './constraints.js';
import { sameStem, type Hint, type Neighbour, type Usage } from './recall.js';

/** How many of the best hints are paired; pairs grow with the square. */
const pairedHints = 80;
const mostComposed = 120;
const joiningDigits = ['2', '4'];
/** A hyphen or a digit between two words. */
const joinLength = 1;

/** Whether a request asks for more than free choice would mostly give. */
export function isDemanding({
  hyphens,
  digits,
  contains,
  startsWith,
  endsWith,
  maxLength,
  withoutLetters,
}: Constraints): boolean {
  const wanted = contains !== undefined || startsWith !== undefined || endsWith !== undefined;
  return wanted || hyphens === 'require' || digits === 'require' || maxLength <= 10 || withoutLetters.length > 0;
}

/** The two words of a name that splits into just two, undefined for any other. */
function twoWords(name: string, words: WordFrequencies): [string, string] | undefined {
  const { parts, coverage } = segment(name, words);
  return coverage === 1 && parts.length === 2 ? [parts[0]!.text, parts[1]!.text] : undefined;
}

/**
 * Compounds that obey demanding constraints, made from part-words that fit the business and from names already proposed:
 * a small model seldom counts letters or heeds a prefix.
 *
 * @param hints part-words that fit the description, best first
 * @param proposed names of any kind, for their pairs of words
 * @returns names that break no constraint, unordered; empty for undemanding constraints
 */
export function composeNames(
  hints: readonly string[],
  proposed: readonly string[],
  constraints: Constraints,
  words: WordFrequencies,
): string[] {
  if (!isDemanding(constraints)) return [];
  const best = hints.slice(0, pairedHints);
  const pairs: [string, string][] = proposed.flatMap((name) => {
    const pair = twoWords(name, words);
    return pair ? [pair] : [];
  });
  // What has to stand in the name goes with every hint, before the pairs that happen to hold it.
  const literal = constraints.contains ?? constraints.startsWith ?? constraints.endsWith;
  if (literal)
    for (const hint of hints) {
      if (constraints.endsWith === undefined) pairs.push([literal, hint]);
      if (constraints.startsWith === undefined) pairs.push([hint, literal]);
    }
  // Those of the best hints come first: of pairs (i, j) the ones with the smallest i + j.
  for (let rank = 1; rank < 2 * best.length; rank++)
    for (const [i, first] of best.entries()) {
      const second = best[rank - i];
      if (second !== undefined && rank - i !== i) pairs.push([first, second]);
    }
  const { minLength, maxLength } = constraints;
  const fitting = pairs.filter(
    ([first, second]) =>
      first.length + second.length <= maxLength && first.length + second.length + joinLength >= minLength,
  );
  const composed = fitting.flatMap(([first, second]) => [
    `${first}${second}`,
    `${first}-${second}`,
    ...joiningDigits.map((digit) => `${first}${digit}${second}`),
  ]);
  return [...new Set(composed)].filter((name) => !brokenConstraint(name, constraints)).slice(0, mostComposed);
}

/** A word stands in at most this many of the pairs, so that one strong word does not fill them. */
const pairsOfOneWord = 4;
const pairLengths = { shortest: 6, longest: 13 };
/** What the place of a word, and a chime, count for beside the fit of two words, before the ranker judges. */
const placeWeight = 0.04;
const chimeWeight = 0.08;

/**
 * Names of two fitting words, each in the place where experts put it: "pantry" first and "plan" last.
 *
 * @param hints words that fit the description, with how well
 * @param usage how experts place a word
 * @param count how many pairs at most
 */
export function pairNames(hints: readonly Hint[], usage: (word: string) => Usage, count: number): string[] {
  const placed = hints.map((hint) => ({ ...hint, ...usage(hint.word) }));
  const pairs: Pair[] = [];
  for (const a of placed)
    for (const b of placed) {
      if (a === b || !reads(a.word, b.word)) continue;
      const place = placeBalance(a.first, a.last) + placeBalance(b.last, b.first);
      const score = a.score + b.score + placeWeight * place + chimeOf(a.word, b.word);
      pairs.push({ first: a.word, second: b.word, score });
    }
  return bestPairs(pairs, count);
}

/** Whether two words can stand together: of two stems, neither too short nor too long, and sayable. */
function reads(first: string, second: string): boolean {
  const length = first.length + second.length;
  if (sameStem(first, second) || length < pairLengths.shortest || length > pairLengths.longest) return false;
  return isPronounceable(first + second);
}

const chimeOf = (first: string, second: string) =>
  alliterates(first, second) || rhymes(first, second) ? chimeWeight : 0;

interface Pair {
  first: string;
  second: string;
  score: number;
}

/** The names of the best pairs, no word in too many of them. */
function bestPairs(pairs: Pair[], count: number): string[] {
  pairs.sort((a, b) => b.score - a.score);
  const uses = new Map<string, number>();
  const chosen = new Set<string>();
  for (const { first, second } of pairs) {
    if (chosen.size === count) break;
    const [before, after] = [uses.get(first) ?? 0, uses.get(second) ?? 0];
    if (before >= pairsOfOneWord || after >= pairsOfOneWord || chosen.has(first + second)) continue;
    uses.set(first, before + 1).set(second, after + 1);
    chosen.add(first + second);
  }
  return [...chosen];
}

/**
 * Names of the first word of one remembered name and the last of another: experts set a word that tells the trade beside one that adds
 * a picture, and which is which stays as they had it.
 *
 * @param near names of near businesses, with how near
 * @param count how many at most
 */
export function crossNames(
  near: readonly Pick<Neighbour, 'names' | 'similarity'>[],
  words: WordFrequencies,
  count: number,
): string[] {
  const pairs = near.flatMap(({ names, similarity }) =>
    names.flatMap((name) => {
      const pair = twoWords(name, words);
      return pair ? [{ first: pair[0], last: pair[1], similarity }] : [];
    }),
  );
  const crossed = pairs.flatMap((a) =>
    pairs.flatMap((b) =>
      a === b || !reads(a.first, b.last)
        ? []
        : [{ first: a.first, second: b.last, score: a.similarity + b.similarity + chimeOf(a.first, b.last) }],
    ),
  );
  return bestPairs(crossed, count);
}

/** Log-odds that a word stands in a place and not in the other; 0 for a word without a preference. */
export function placeBalance(here: number, there: number): number {
  return Math.log((here + 1) / (there + 1));
}
