import t from 'tap';
import { countOutcomes, fMeasure, outcomeOf, scores } from '../../training/eval/confusion.js';

t.test('outcomes are counted into the confusion matrix', async (t) => {
  const outcomes = [
    outcomeOf('refuse', true),
    outcomeOf('refuse', true),
    outcomeOf('refuse', false),
    outcomeOf('allow', true),
    outcomeOf('allow', false),
  ];
  t.same(outcomes, [
    'confirmed_inappropriate',
    'confirmed_inappropriate',
    'missed_inappropriate',
    'false_positive_inappropriate',
    'ok',
  ]);
  const confusion = countOutcomes(outcomes);
  t.same(confusion, { truePositives: 2, falsePositives: 1, falseNegatives: 1, trueNegatives: 1 });
  t.match(scores(confusion), { precision: 2 / 3, recall: 2 / 3, falsePositiveRate: 0.5 });
});

t.test('F2 weighs recall over precision', async (t) => {
  t.ok(fMeasure(0.5, 0.9, 2) > fMeasure(0.9, 0.5, 2));
  t.equal(fMeasure(0, 0, 1), 0);
});
