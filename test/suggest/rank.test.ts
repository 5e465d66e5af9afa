import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseWordFrequencies, segment } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import type { Candidate } from '../../src/suggest/candidates.js';
import {
  measure,
  rank as rankWith,
  rankerSchema,
  weighLines,
  type Measured,
  type Style,
} from '../../src/suggest/rank.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const ranker = rankerSchema.parse(JSON.parse(readFileSync(fromRoot('models', 'v1', 'ranker.json'), 'utf8')));
const rank = (measured: Measured[], count: number, style?: Style) => rankWith(measured, ranker, count, style);
const description = 'a bakery in Leeds';

function measured(name: string, relevance: number, source: Candidate['source'] = 'model') {
  const similarity = { relevance, bestPart: relevance, worstPart: relevance, partSimilarity: 0, baseline: 0.3 };
  const candidate: Candidate = { name, source, meanLogProbability: -2, votes: 1 };
  const memory = { usage: () => ({ first: 0, last: 0 }), support: () => relevance };
  return measure(candidate, segment(name, words), similarity, description, words, memory);
}
const names = (list: { name: string }[]) => list.map(({ name }) => name);

t.test('what is near the business comes before what is not', async (t) => {
  t.same(names(rank([measured('mindpilot', 0.1), measured('doughdock', 0.5)], 2)), ['doughdock', 'mindpilot']);
});

t.test('a bare word of the description, filler and garble sink', async (t) => {
  const list = rank(
    [measured('bakery', 0.6), measured('bakehub', 0.5), measured('brdxkt', 0.5), measured('crumbcart', 0.5)],
    4,
  );
  t.equal(list[0]?.name, 'crumbcart');
  t.ok(list[0]!.score > list[1]!.score);
});

t.test('a list does not repeat its words', async (t) => {
  const list = rank([measured('doughdock', 0.6), measured('doughdash', 0.59), measured('crumbcart', 0.5)], 2);
  t.same(names(list), ['doughdock', 'crumbcart']);
});

t.test('a wished style rises', async (t) => {
  const list = rank([measured('doughdock', 0.5), measured('yeast', 0.5)], 1, 'metaphor');
  t.same(names(list), ['yeast']);
});

t.test(
  'a list holds one name that another business has, whoever proposed it, and more only for want of others',
  async (t) => {
    const proposed = [
      ['doughdock', 'recall'],
      ['crumbcart', 'model'],
      ['loaflane', 'composed'],
    ] as const;
    const remembered = proposed.map(([name, source]) => ({ ...measured(name, 0.6, source), isRemembered: true }));
    const fresh = ['bunbridge', 'ovenotter', 'toasttown', 'ryeriver'].map((name) => measured(name, 0.2));
    const taken = (list: { name: string }[]) =>
      list.filter(({ name }) => proposed.some(([other]) => other === name)).length;
    t.equal(taken(rank([...remembered, ...fresh], 5)), 1);
    t.equal(taken(rank([...remembered, ...fresh.slice(0, 2)], 5)), 3);
  },
);

t.test('confidence and score are chances', async (t) => {
  for (const { confidence, score } of rank([measured('doughdock', 0.9), measured('brdxkt', -0.5)], 2)) {
    t.ok(confidence >= 0 && confidence <= 1);
    t.ok(score >= 0 && score <= confidence + 0.001);
  }
});

t.test('nothing ranks to nothing', async (t) => {
  t.same(rank([], 5), []);
});

t.test('what the generator says counts where the ranker was fitted to it, and nowhere else', async (t) => {
  const line = (advantage: number) => ({ logProbability: -10, tokens: 4, advantage });
  const pair = [
    { ...measured('doughdock', 0.5), line: line(-2) },
    { ...measured('crumbcart', 0.5), line: line(2) },
  ];
  const { weights, bias, confidence } = ranker;
  const weighed = { weights: { ...weights, lineAdvantage: 3, lineTokens: 0, lineVerdict: 0 }, bias, confidence };
  const [first, second] = rankWith(pair, { ...ranker, weighed }, 2);
  t.equal(first!.name, 'crumbcart');
  t.ok(first!.confidence > second!.confidence + 0.3);
  const unweighed = (list: Measured[]) => rankWith(list, { ...ranker, weighed: undefined }, 2);
  t.same(unweighed(pair), unweighed(pair.map(({ candidate, parts, features }) => ({ candidate, parts, features }))));
});

t.test('an advantage is measured in deviations from the mean of the list', async (t) => {
  const lines = [-12, -10, -8].map((logProbability) => ({ logProbability, tokens: 4 }));
  t.same(
    weighLines(lines).map(({ advantage }) => Number(advantage.toFixed(3))),
    [-1.225, 0, 1.225],
  );
  t.same(
    weighLines(lines.slice(0, 1)).map(({ advantage }) => advantage),
    [0],
  );
  t.same(weighLines([]), []);
});
