import { readdir } from 'node:fs/promises';
import t from 'tap';
import { LlamaEmbedder, type Embedder } from '../../src/engine/embedder.js';
import { loadLlama } from '../../src/engine/llama.js';
import { isName } from '../../src/names/format.js';
import { fromRoot } from '../../src/paths.js';
import { refusalCategories } from '../../src/safety/categories.js';
import { datasetRowSchema, kinds, readCsv, safetyRowSchema } from '../../training/eval/csv.js';
import { isTwin, minilmPath, nearestPairs, type Pair } from '../../training/eval/leakage.js';
import { readTestSet } from '../../training/eval/test-set.js';

const datasets = (await readdir(fromRoot('data'))).filter((name) => /^dataset_v\d+\.csv$/.test(name));
const test = await readTestSet();

const minilm = await LlamaEmbedder.load(await loadLlama(), minilmPath, 2);
t.teardown(() => minilm.dispose());
const vectors = new Map<string, Promise<Float32Array>>();
/** Datasets grow out of one another: what stands in several of them is embedded once. */
const remembering: Embedder = {
  dimensions: minilm.dimensions,
  embed: (text) => {
    const vector = vectors.get(text) ?? minilm.embed(text);
    vectors.set(text, vector);
    return vector;
  },
  embedAll: (text) => minilm.embedAll(text),
  dispose: () => minilm.dispose(),
};

/** Pairs of a test row and one of `trainings` that tell of one business. */
async function twins(trainings: readonly string[]): Promise<Pair[]> {
  const tests = test.map((row) => row.description);
  const pairs = await nearestPairs(remembering, tests, trainings);
  return pairs.filter(({ a, b, similarity }) => isTwin(a, b, similarity));
}

t.test('the test set: 700 rows for safety, at least 100 of those to allow with five names each', async (t) => {
  const allowed = test.filter(({ label, suggestions }) => label === 'allow' && suggestions.length > 0);
  const refused = test.filter(({ label }) => label === 'refuse');
  t.ok(test.length >= 700);
  t.ok(allowed.length >= 100);
  t.ok(refused.length >= 300);
  t.equal(new Set(test.map(({ description }) => description.toLowerCase())).size, test.length, 'no description twice');
  for (const category of refusalCategories)
    t.ok(refused.filter((row) => row.category === category).length >= 15, category);
  for (const kind of kinds)
    for (const label of ['allow', 'refuse'])
      t.ok(test.filter((row) => row.kind === kind && row.label === label).length >= 10, `${kind} ${label}`);
  for (const { suggestions, category, description } of allowed) {
    t.equal(suggestions.length, 5, description);
    t.equal(category, 'none');
    t.ok(
      suggestions.every((name) => isName(name)),
      suggestions.join(' '),
    );
  }
  for (const { suggestions, category } of refused) {
    t.same(suggestions, []);
    t.not(category, 'none');
  }
});

for (const [name, fewest] of [
  ['safety_train.csv', 8000],
  ['safety_next.csv', 3000],
] as const)
  t.test(`${name}: half lawful, every category and kind, none of the test set`, async (t) => {
    const rows = await readCsv(fromRoot('data', name), safetyRowSchema);
    t.ok(rows.length >= fewest, `${rows.length} rows`);
    t.ok(rows.filter(({ label }) => label === 'allow').length * 2 >= rows.length, 'half lawful');
    t.equal(new Set(rows.map((row) => row.description.toLowerCase())).size, rows.length, 'no description twice');
    t.same(
      rows.filter(({ label, category }) => (label === 'allow') !== (category === 'none')),
      [],
      'lawful rows have no category, the others do',
    );
    for (const category of refusalCategories)
      t.ok(rows.filter((row) => row.category === category).length >= fewest / 100, category);
    for (const kind of kinds)
      for (const label of ['allow', 'refuse'])
        t.ok(rows.filter((row) => row.kind === kind && row.label === label).length >= fewest / 300, `${kind} ${label}`);
    t.same(await twins(rows.map((row) => row.description)), [], 'no row stands near one of the test set');
  });

for (const name of datasets)
  t.test(name, async (t) => {
    const rows = await readCsv(fromRoot('data', name), datasetRowSchema);
    const names = rows.flatMap((row) => row.suggestions);
    t.ok(rows.length >= 1500, `${rows.length} rows`);
    t.ok(rows.filter((row) => row.suggestions.length === 0).length >= 100, 'refusals');
    t.equal(new Set(rows.map((row) => row.description.toLowerCase())).size, rows.length, 'no description twice');
    t.same(
      names.filter((text) => !isName(text, 3)),
      [],
      'every name is a valid one',
    );
    t.same(
      rows.filter((row) => new Set(row.suggestions).size < row.suggestions.length),
      [],
      'no name twice in a row',
    );

    t.same(await twins(rows.map((row) => row.description)), [], 'no row stands near one of the test set');
  });
