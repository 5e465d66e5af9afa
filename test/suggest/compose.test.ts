import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { composeNames, isDemanding } from '../../src/suggest/compose.js';
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
