import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseBrands } from '../../src/names/brands.js';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { OutputGuard } from '../../src/safety/output.js';
import { CandidatePool } from '../../src/suggest/candidates.js';
import { readConstraints } from '../../src/suggest/constraints.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const guard = new OutputGuard(words, parseBrands(readFileSync(fromRoot('data', 'brands.tsv'), 'utf8')));
const add = (pool: CandidatePool, text: string) => pool.add({ text, source: 'model', meanLogProbability: -2 });

t.test('each proposal gets a verdict, and the good ones stay', async (t) => {
  const pool = new CandidatePool(readConstraints('x', { max_length: 12 }), guard);
  t.equal(add(pool, '1. Dough Dock'), 'ok');
  t.equal(add(pool, 'doughdocks'), 'duplicate');
  t.equal(add(pool, 'doughdock'), 'duplicate');
  t.equal(add(pool, 'dough_dock!'), 'format');
  t.equal(add(pool, 'pilotpilot'), 'format');
  t.equal(add(pool, 'breadbasketbarn'), 'constraint');
  t.equal(add(pool, 'shitshow'), 'profanity');
  t.equal(add(pool, 'paypal'), 'brand');
  t.same(pool.candidates, [{ name: 'doughdock', source: 'model', meanLogProbability: -2, votes: 2 }]);
  t.same(pool.verdicts, { ok: 1, format: 2, constraint: 1, profanity: 1, brand: 1, duplicate: 2 });
});

t.test('a guard that fails lets nothing through', async (t) => {
  const failing = new OutputGuard(words, new Map());
  failing.judge = () => {
    throw new Error('out of lists');
  };
  t.throws(() => add(new CandidatePool(readConstraints('x'), failing), 'doughdock'), { name: 'GuardFailedError' });
});

t.test('hyphens do not make another name', async (t) => {
  const pool = new CandidatePool(readConstraints('x', { hyphens: 'allow' }), guard);
  add(pool, 'doughdock');
  t.equal(add(pool, 'dough-dock'), 'duplicate');
});

t.test('where one word is asked for, joined ones fall', async (t) => {
  const isWord = (text: string) => ['earshot', 'listener'].includes(text);
  const pool = new CandidatePool(readConstraints('hearing aids, one word please'), guard, isWord);
  t.equal(add(pool, 'earshot'), 'ok');
  t.equal(add(pool, 'soundspring'), 'constraint');
});

t.test('what another business is called is taken', async (t) => {
  const pool = new CandidatePool(readConstraints('x'), guard, undefined, (name) => name === 'doughdock');
  t.equal(add(pool, 'doughdock'), 'duplicate');
  t.equal(add(pool, 'crumbcart'), 'ok');
});
