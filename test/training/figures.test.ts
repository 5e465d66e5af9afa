import t from 'tap';
import { calibration, edgeCases, judgedFigures, median, nameFigures } from '../../training/eval/figures.js';

const row = (description: string, suggestions: string[], confidences = suggestions.map(() => 0.5)) => ({
  description,
  kind: 'plain',
  language: 'en',
  field: 'food-drink',
  suggestions,
  confidences,
  relevances: suggestions.map(() => 0.4),
});
const words = new Map(
  ['dough', 'dock', 'rye', 'road', 'crust', 'cart', 'loaf', 'lane', 'paw', 'post'].map((word) => [word, 4]),
);
const score = (description: string, name: string, points: number, category: 'good' | 'ok' = 'good') => ({
  description,
  name,
  judge: 'sheet',
  relevance: points,
  creativity: points,
  brandability: points,
  conciseness: points,
  category,
});

t.test('the median lies between the two in the middle, and nothing has none', (t) => {
  t.equal(median([5, 1, 3]), 3);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.equal(Number.isNaN(median([])), true);
  t.end();
});

t.test('names are counted: valid, obedient, of real words, distinct, and what is common among them', (t) => {
  const rows = [
    row('a bakery', ['doughdock', 'ryeroad', 'crustcart', 'loaflane', 'pawpost']),
    row('a bakery, no hyphens', ['doughdock', 'xqzzk', 'rye-road', 'loaflane']),
  ];
  const figures = nameFigures(rows, words, 5);
  t.match(figures, { rows: 2, rowsWithAllDistinct: 1, validShare: 1 });
  t.equal(figures.constraintsObeyedShare, 8 / 9);
  t.equal(figures.realWordsShare, 8 / 9);
  t.equal(figures.distinctShare, 7 / 9);
  t.same(figures.commonestNames.slice(0, 2), [
    ['doughdock', 1],
    ['loaflane', 1],
  ]);
  t.same(figures.commonestPartWords[0], ['dock', 2 / 9]);
  t.end();
});

t.test('the calibration error is the gap between confidence and what came good, by how many names have it', (t) => {
  const certain = { confidence: 1, good: true };
  t.equal(calibration([certain, certain]).expectedCalibrationError, 0);
  const { expectedCalibrationError, bins } = calibration([
    { confidence: 0.25, good: false },
    { confidence: 0.25, good: false },
    { confidence: 0.75, good: true },
    { confidence: 0.75, good: false },
  ]);
  t.equal(expectedCalibrationError, 0.25);
  t.same(bins, [
    { confidence: 0.25, good: 0, names: 2 },
    { confidence: 0.75, good: 0.5, names: 2 },
  ]);
  t.end();
});

t.test('scores of names that a version no longer gives count for nothing', (t) => {
  const rows = [row('a bakery', ['doughdock', 'ryeroad'])];
  const scores = [score('a bakery', 'doughdock', 5), score('a vet', 'ryeroad', 0), score('a bakery', 'gone', 0)];
  t.match(judgedFigures(rows, scores), {
    namesJudged: 1,
    names: 2,
    quality: 1,
    categories: { good: 1, ok: 0 },
    byField: { 'food-drink': { names: 1, quality: 1 } },
  });
  t.equal(judgedFigures(rows, []), undefined);
  t.end();
});

t.test('edge cases are the worst of the judged rows, by confidence where none was judged', (t) => {
  const rows = [row('a bakery', ['doughdock'], [0.1]), row('a vet', ['pawpost'], [0.9])];
  const judged = [score('a bakery', 'doughdock', 5), score('a vet', 'pawpost', 1, 'ok')];
  t.match(edgeCases(rows, judged, 1), [{ row: { description: 'a vet' }, value: 0.2, by: 'quality' }]);
  t.match(edgeCases(rows, judged.slice(0, 1), 2), [{ row: { description: 'a bakery' }, value: 1, by: 'quality' }]);
  t.match(edgeCases(rows, [], 1), [{ row: { description: 'a bakery' }, value: 0.1, by: 'confidence' }]);
  t.end();
});
