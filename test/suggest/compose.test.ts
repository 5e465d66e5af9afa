import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { composeNames, crossNames, isDemanding, pairNames, placeBalance } from '../../src/suggest/compose.js';
import { brokenConstraint, readConstraints } from '../../src/suggest/constraints.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const hints = ['dough', 'crust', 'loaf', 'rye', 'oven', 'bake'];

t.test('free choice needs no composing', async (t) => {
  t.notOk(isDemanding(readConstraints('a bakery')));
  t.same(composeNames(hints, ['doughdock'], readConstraints('a bakery'), words), []);
});

t.test('each demand is met by names of fitting words', async (t) => {
  const demands = [
    readConstraints('x', { max_length: 7 }),
    readConstraints('x', { min_length: 8, max_length: 8 }),
    readConstraints('x', { contains: 'nut' }),
    readConstraints('x', { starts_with: 'b' }),
    readConstraints('x', { ends_with: 'cart' }),
    readConstraints('x', { hyphens: 'require' }),
    readConstraints('x', { digits: 'require' }),
  ];
  for (const constraints of demands) {
    const names = composeNames(hints, [], constraints, words);
    t.ok(names.length >= 5, JSON.stringify(constraints));
    t.same(
      names.filter((name) => brokenConstraint(name, constraints)),
      [],
    );
  }
});

t.test('pairs of proposed names are joined as asked', async (t) => {
  t.ok(composeNames([], ['doughdock'], readConstraints('x', { hyphens: 'require' }), words).includes('dough-dock'));
});

t.test('pairs put each word where experts put it, chiming ones first, and lean on no word alone', async (t) => {
  const fits = ['loaf', 'lane', 'dough', 'oven', 'crust', 'cart', 'bread', 'basket'].map((word) => ({
    word,
    score: 0.5,
  }));
  const usage = (word: string) => (word === 'lane' ? { first: 0, last: 30 } : { first: 3, last: 3 });
  const names = pairNames(fits, usage, 12);
  t.equal(names.length, 12);
  t.equal(names[0], 'loaflane');
  t.notOk(names.some((name) => name.startsWith('lane')));
  for (const { word } of fits) t.ok(names.filter((name) => name.includes(word)).length <= 4, word);
});

t.test('words of one stem and unspeakable joins make no pair', async (t) => {
  const fits = ['bake', 'baker', 'rhythm', 'strength'].map((word) => ({ word, score: 1 }));
  const names = pairNames(fits, () => ({ first: 1, last: 1 }), 20);
  t.notOk(names.includes('bakebaker'));
  t.notOk(names.includes('rhythmstrength'));
});

t.test('a place is weighed by log-odds', async (t) => {
  t.equal(placeBalance(4, 4), 0);
  t.ok(placeBalance(9, 0) > 2);
  t.ok(placeBalance(0, 9) < -2);
});

t.test('halves of near names are crossed, each in its place, and never the names as they were', async (t) => {
  const near = [
    { names: ['doughdock', 'crumbcart'], similarity: 0.8 },
    { names: ['tinyotter'], similarity: 0.5 },
  ];
  const crossed = crossNames(near, words, 10);
  t.same(crossed.slice(0, 2).sort(), ['crumbdock', 'doughcart'], 'of the nearest first');
  t.same(crossed.slice(2).sort(), ['crumbotter', 'doughotter', 'tinycart', 'tinydock']);
  t.equal(crossNames(near, words, 1).length, 1);
  t.same(crossNames([], words, 10), []);
});
