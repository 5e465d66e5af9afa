import { segment, type WordFrequencies } from '../names/segment.js';
import { brokenConstraint, type Constraints } from './constraints.js';

/** How many of the best hints are paired; pairs grow with the square. */
const pairedHints = 14;
const joiningDigits = ['2', '4'];

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
  for (const first of best) for (const second of best) if (first !== second) pairs.push([first, second]);
  const literal = constraints.contains ?? constraints.startsWith ?? constraints.endsWith;
  if (literal)
    for (const hint of hints) {
      if (constraints.endsWith === undefined) pairs.push([literal, hint]);
      if (constraints.startsWith === undefined) pairs.push([hint, literal]);
    }
  const composed = pairs.flatMap(([first, second]) => [
    `${first}${second}`,
    `${first}-${second}`,
    ...joiningDigits.map((digit) => `${first}${digit}${second}`),
  ]);
  return [...new Set(composed)].filter((name) => !brokenConstraint(name, constraints));
}
