import { readdir } from 'node:fs/promises';
import t from 'tap';
import { LlamaEmbedder } from '../../src/engine/embedder.js';
import { loadLlama } from '../../src/engine/llama.js';
import { isName } from '../../src/names/format.js';
import { fromRoot } from '../../src/paths.js';
import { datasetRowSchema, readCsv } from '../../training/eval/csv.js';
import { isTwin, minilmPath, nearestPairs } from '../../training/eval/leakage.js';
import { readTestSet } from '../../training/eval/test-set.js';

const datasets = (await readdir(fromRoot('data'))).filter((name) => /^dataset_v\d+\.csv$/.test(name));
const test = await readTestSet();

t.test('the test set: at least 100 rows to allow with five names each, 50 to refuse with none', async (t) => {
  const allowed = test.filter(({ label }) => label === 'allow');
  const refused = test.filter(({ label }) => label === 'refuse');
  t.ok(allowed.length >= 100);
  t.ok(refused.length >= 50);
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

    const embedder = await LlamaEmbedder.load(await loadLlama(), minilmPath, 2);
    const pairs = await nearestPairs(
      embedder,
      test.map((row) => row.description),
      rows.map((row) => row.description),
    );
    await embedder.dispose();
    const twins = pairs.filter(({ a, b, similarity }) => isTwin(a, b, similarity));
    t.same(twins, [], 'no row stands near one of the test set');
  });
