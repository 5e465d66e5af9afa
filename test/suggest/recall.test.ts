import t from 'tap';
import { Recall, sameStem, toInt8, type RecallFile } from '../../src/suggest/recall.js';

const file: RecallFile = {
  dimensions: 3,
  rows: [['loaflane'], ['pawpost'], ['crustcart']],
  keys: [0, 1, 2],
  words: [
    { word: 'loaf', rows: [0], first: 2, last: 0 },
    { word: 'lane', rows: [0], first: 0, last: 4 },
    { word: 'paw', rows: [1], first: 1, last: 0 },
    { word: 'crust', rows: [2], first: 1, last: 0 },
    { word: 'crusts', rows: [2], first: 1, last: 0 },
  ],
};
const unit = (x: number, y: number, z: number) => Float32Array.from([x, y, z]);
const pack = (vectors: Float32Array[]) => Int8Array.from(vectors.flatMap((vector) => [...toInt8(vector)]));
const keyVectors = pack([unit(1, 0, 0), unit(0, 1, 0), unit(0.8, 0, 0.6)]);
const none = new Int8Array();
const recall = new Recall(
  file,
  keyVectors,
  pack([unit(0.9, 0, 0.4359), unit(0, 0, 1), unit(0, 1, 0), unit(0.95, 0, 0.3122), unit(0.9, 0, 0.4359)]),
);
const bakery = unit(1, 0, 0);

t.test('the nearest rows come first, with their names', async (t) => {
  const { neighbours } = recall.lookUp(bakery, 3);
  t.same(
    neighbours.map(({ row }) => row),
    [0, 2, 1],
  );
  t.same(neighbours[0]?.names, ['loaflane']);
  t.ok(Math.abs(neighbours[1]!.similarity - 0.8) < 0.01);
});

t.test('a name that an expert gave is known as it stands', async (t) => {
  t.ok(recall.remembers('loaflane'));
  t.ok(recall.remembers('loaf-lane'));
  t.notOk(recall.remembers('loafpost'));
});

t.test('a business told in several ways is as near as the nearest of them, and found once', async (t) => {
  const twice = new Recall(
    { ...file, rows: [['loaflane'], ['pawpost']], keys: [0, 1, 1], words: [] },
    keyVectors,
    none,
  );
  const { neighbours } = twice.lookUp(unit(0.8, 0, 0.6), 3);
  t.same(
    neighbours.map(({ row, similarity }) => [row, Math.round(similarity * 10) / 10]),
    [
      [1, 1],
      [0, 0.8],
    ],
  );
});

t.test('hints fit by meaning or by standing in a near row, one of each stem', async (t) => {
  const words = recall.lookUp(bakery, 10).hints.map(({ word }) => word);
  t.same(words.slice(0, 2).sort(), ['crust', 'loaf']);
  t.ok(words.includes('lane'), 'from the nearest row');
  t.notOk(words.includes('crusts'), 'of the stem of a better one');
});

t.test('what several near businesses use is vouched for by each', async (t) => {
  const shared = [{ word: 'loaf', rows: [0, 2], first: 2, last: 0 }, file.words[3]!];
  const { support } = new Recall({ ...file, words: shared }, keyVectors, pack([unit(1, 0, 0), unit(1, 0, 0)])).lookUp(
    bakery,
    3,
  );
  t.ok(support.get('loaf')! > support.get('crust')!);
});

t.test('a row left out takes along the words that only it uses', async (t) => {
  const { neighbours, hints } = recall.lookUp(bakery, 10, 0);
  t.equal(neighbours[0]?.row, 2);
  t.notOk(hints.some(({ word }) => word === 'loaf' || word === 'lane'));
});

t.test('words know their vectors and their places', async (t) => {
  t.ok(recall.wordVector('paw'));
  t.equal(recall.wordVector('otter'), undefined);
  t.match(recall.usage('lane'), { first: 0, last: 4 });
  t.same(recall.usage('otter'), { first: 0, last: 0 });
});

t.test('stems are rough', async (t) => {
  t.ok(sameStem('dog', 'dogs'));
  t.ok(sameStem('baker', 'bake'));
  t.notOk(sameStem('bread', 'brick'));
});
