import { isName } from '../../src/names/format.js';
import { partWords, segment, type WordFrequencies } from '../../src/names/segment.js';
import { isPronounceable } from '../../src/names/sound.js';
import { brokenConstraint, readConstraints } from '../../src/suggest/constraints.js';
import { criteria, nameCategories, qualityOf, type Criterion, type NameCategory, type ScoredName } from './absolute.js';

/** A lawful row that was answered. */
export interface AnsweredRow {
  description: string;
  kind: string;
  language: string;
  field: string;
  suggestions: string[];
  /** Chance that a judge calls the name good, for each of `suggestions`. */
  confidences: number[];
  /** Cosine similarity of its words and the description, for each of `suggestions`. */
  relevances: number[];
}

export const mean = (numbers: readonly number[]) =>
  numbers.length === 0 ? NaN : numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Median, or NaN of nothing. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return mean(sorted.slice(Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2) + 1));
}

const commonestShown = 10;

/** The commonest of some texts, each with the share of `whole` that it makes. */
function commonest(texts: readonly string[], whole: number): [string, number][] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).slice(0, commonestShown);
  return sorted.map(([text, count]) => [text, count / Math.max(1, whole)]);
}

/** What can be said of names without a judge; shares are 0 to 1. */
export function nameFigures(rows: readonly AnsweredRow[], words: WordFrequencies, namesPerRow: number) {
  const names = rows.flatMap(({ description, suggestions }) => suggestions.map((name) => ({ name, description })));
  const share = (test: (item: (typeof names)[number]) => boolean) =>
    names.length === 0 ? 0 : names.filter(test).length / names.length;
  const isWhole = (name: string) => segment(name, words).coverage === 1;
  const all = names.map(({ name }) => name);
  return {
    rows: rows.length,
    rowsWithAllDistinct: rows.filter(({ suggestions }) => new Set(suggestions).size === namesPerRow).length,
    validShare: share(({ name, description }) => isName(name, readConstraints(description).minLength)),
    constraintsObeyedShare: share(({ name, description }) => !brokenConstraint(name, readConstraints(description))),
    realWordsShare: share(({ name }) => isWhole(name)),
    realWordsOrSoundShare: share(({ name }) => isWhole(name) || isPronounceable(name)),
    distinctShare: names.length === 0 ? 0 : new Set(all).size / names.length,
    meanRelevance: mean(rows.flatMap(({ relevances }) => relevances)),
    meanLength: mean(all.map((name) => name.length)),
    /** Share of the names that a part-word stands in, and of the rows that a name is given for. */
    commonestPartWords: commonest(
      all.flatMap((name) => [...new Set(partWords(name, words))]),
      names.length,
    ),
    commonestNames: commonest(all, rows.length),
  };
}

const binCount = 10;

export interface CalibrationBin {
  confidence: number;
  good: number;
  names: number;
}

/**
 * How far confidence is from the share of good names, over ten bins of equal width: the expected calibration error
 * (Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017).
 */
export function calibration(judged: readonly { confidence: number; good: boolean }[]) {
  const bins: CalibrationBin[] = [];
  for (let bin = 0; bin < binCount; bin++) {
    const inside = judged.filter(({ confidence }) => Math.min(binCount - 1, Math.floor(confidence * binCount)) === bin);
    if (inside.length === 0) continue;
    const good = inside.filter((one) => one.good).length / inside.length;
    bins.push({ confidence: mean(inside.map(({ confidence }) => confidence)), good, names: inside.length });
  }
  const error = bins.reduce(
    (sum, { confidence, good, names }) => sum + (names / judged.length) * Math.abs(confidence - good),
    0,
  );
  return { expectedCalibrationError: judged.length === 0 ? NaN : error, bins };
}

/** What a score belongs to. */
export const nameKey = ({ description, name }: { description: string; name: string }) => `${description}\n${name}`;

/** What a judge's scores say of the rows; undefined where none of their names was judged. */
export function judgedFigures(rows: readonly AnsweredRow[], scores: readonly ScoredName[]) {
  const known = new Map(scores.map((score) => [nameKey(score), score]));
  const judged = rows.flatMap(({ description, field, kind, suggestions, confidences }) =>
    suggestions.flatMap((name, index) => {
      const score = known.get(nameKey({ description, name }));
      return score ? [{ ...score, field, kind, confidence: confidences[index]! }] : [];
    }),
  );
  if (judged.length === 0) return undefined;
  const qualityBy = (key: 'field' | 'kind') =>
    Object.fromEntries(
      [...new Set(judged.map((one) => one[key]))].sort().map((value) => {
        const group = judged.filter((one) => one[key] === value);
        return [value, { names: group.length, quality: mean(group.map(qualityOf)) }];
      }),
    );
  return {
    namesJudged: judged.length,
    names: rows.reduce((sum, { suggestions }) => sum + suggestions.length, 0),
    quality: mean(judged.map(qualityOf)),
    points: Object.fromEntries(criteria.map((key) => [key, mean(judged.map((one) => one[key]))])) as Record<
      Criterion,
      number
    >,
    categories: Object.fromEntries(
      nameCategories.map((name) => [name, judged.filter(({ category }) => category === name).length]),
    ) as Record<NameCategory, number>,
    byField: qualityBy('field'),
    byKind: qualityBy('kind'),
    calibration: calibration(judged.map(({ confidence, category }) => ({ confidence, good: category === 'good' }))),
  };
}

export interface EdgeCase {
  row: AnsweredRow;
  /** Mean over its names, 0 to 1. */
  value: number;
  by: 'quality' | 'confidence';
}

/**
 * The answered rows that came off worst, worst first: by the judge's quality, of those whose names were all judged; by
 * confidence where there is none. Wrongly refused and wrongly answered rows are another matter and not among them.
 */
export function edgeCases(rows: readonly AnsweredRow[], scores: readonly ScoredName[], count: number): EdgeCase[] {
  const known = new Map(scores.map((score) => [nameKey(score), qualityOf(score)]));
  const judged = rows.flatMap((row): EdgeCase[] => {
    const qualities = row.suggestions.flatMap((name) => known.get(nameKey({ ...row, name })) ?? []);
    return qualities.length === row.suggestions.length ? [{ row, value: mean(qualities), by: 'quality' }] : [];
  });
  const unjudged = rows.map((row): EdgeCase => ({ row, value: mean(row.confidences), by: 'confidence' }));
  return (judged.length > 0 ? judged : unjudged).sort((a, b) => a.value - b.value).slice(0, count);
}
