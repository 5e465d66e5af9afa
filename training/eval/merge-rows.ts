/**
 * Adds written rows to a dataset: names that break a rule are dropped, and rows that keep too few of them.
 *
 * Usage: node dist/training/eval/merge-rows.js BASE.csv OUT.csv ROWS.jsonl...
 * ROWS holds {"d": description, "n": [names, best first], "also": [the same business in other words]} a line; each wording
 * becomes a row with the same names, after those of BASE. Rules: a valid name of 4 to 16 letters, no doubled word,
 * neither profane nor a brand, as the description asks, not twice in the dataset; a description that stands in neither
 * the dataset nor the test set, nor near a row of the latter; no part-word above its share of all names.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { dot, LlamaEmbedder } from '../../src/engine/embedder.js';
import { loadLlama } from '../../src/engine/llama.js';
import { hasDoubledWord, isName } from '../../src/names/format.js';
import { parseBrands } from '../../src/names/brands.js';
import { parseWordFrequencies, partWords } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { OutputGuard } from '../../src/safety/output.js';
import { brokenConstraint, readConstraints } from '../../src/suggest/constraints.js';
import { datasetRowSchema, readCsv, type DatasetRow } from './csv.js';
import { isTwin, minilmPath } from './leakage.js';
import { readTestSet } from './test-set.js';

const description = z.string().trim().min(3).max(2000);
const writtenSchema = z.object({ d: description, n: z.array(z.string()), also: z.array(description).default([]) });
const shortest = 3;
const longest = 16;
const namesPerRow = 8;
const fewestNames = 4;
/** No part-word may stand in more than this share of all names. */
const partWordShare = 0.007;

const [basePath, outPath, ...rowPaths] = process.argv.slice(2);
if (!basePath || !outPath || rowPaths.length === 0) throw new Error('usage: merge-rows BASE.csv OUT.csv ROWS.jsonl...');

const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
const guard = new OutputGuard(words, parseBrands(await readFile(fromRoot('data', 'brands.tsv'), 'utf8')));
const base = await readCsv(basePath, datasetRowSchema);
const test = await readTestSet();
const embedder = await LlamaEmbedder.load(await loadLlama({ gpu: false }), minilmPath, 2);
const testVectors: Float32Array[] = [];
for (const row of test) testVectors.push(await embedder.embed(row.description));

const dropped = new Map<string, number>();
const drop = (reason: string) => void dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
const descriptions = new Set([...base, ...test].map((row) => row.description.toLowerCase()));
const taken = new Set(base.flatMap((row) => row.suggestions));

function nameFault(name: string, description: string): string | undefined {
  if (!isName(name, shortest, longest)) return 'format';
  if (hasDoubledWord(name)) return 'doubled word';
  const verdict = guard.judge(name);
  if (verdict !== 'ok') return verdict;
  if (brokenConstraint(name, readConstraints(description))) return 'constraint';
  if (taken.has(name)) return 'name twice';
  return undefined;
}

async function isTestTwin(description: string): Promise<boolean> {
  const vector = await embedder.embed(description);
  return test.some((row, index) => isTwin(row.description, description, dot(vector, testVectors[index]!)));
}

const added: DatasetRow[] = [];
/** Other wordings of the added rows. */
const reworded = new Map<DatasetRow, string[]>();
for (const path of rowPaths)
  for (const line of (await readFile(path, 'utf8')).split('\n').filter(Boolean)) {
    const row = writtenSchema.safeParse(JSON.parse(line));
    if (!row.success || descriptions.has(row.data.d.toLowerCase())) {
      drop('row: malformed or twice');
      continue;
    }
    const { d: description, n: names, also } = row.data;
    if (await isTestTwin(description)) {
      drop('row: near the test set');
      continue;
    }
    descriptions.add(description.toLowerCase());
    const kept: string[] = [];
    for (const name of names.slice(0, namesPerRow)) {
      const fault = kept.includes(name) ? 'name twice' : nameFault(name, description);
      if (fault) drop(`name: ${fault}`);
      else kept.push(name);
    }
    for (const name of kept) taken.add(name);
    const addition = { description, suggestions: kept };
    added.push(addition);
    const wordings: string[] = [];
    for (const wording of also) {
      if (descriptions.has(wording.toLowerCase())) drop('wording: twice');
      else if (await isTestTwin(wording)) drop('wording: near the test set');
      else wordings.push(wording);
      descriptions.add(wording.toLowerCase());
    }
    reworded.set(addition, wordings);
  }

/** Thins out overused words: their names go, later ones of fuller rows first. */
function thin(rows: DatasetRow[]): void {
  const uses = new Map<string, { row: DatasetRow; name: string; rank: number }[]>();
  let total = 0;
  for (const row of rows)
    for (const [rank, name] of row.suggestions.entries()) {
      total++;
      for (const word of new Set(partWords(name, words)))
        uses.set(word, [...(uses.get(word) ?? []), { row, name, rank }]);
    }
  const limit = Math.floor(partWordShare * total);
  for (const [, found] of uses) {
    const spare = found.filter(({ row }) => added.includes(row)).sort((a, b) => b.rank - a.rank);
    let over = found.filter(({ row, name }) => row.suggestions.includes(name)).length - limit;
    for (const { row, name } of spare) {
      if (over <= 0) break;
      if (!row.suggestions.includes(name) || row.suggestions.length <= fewestNames) continue;
      row.suggestions = row.suggestions.filter((other) => other !== name);
      drop('name: overused word');
      over--;
    }
  }
}

thin([...base, ...added]);
const full = added.filter((row) => row.suggestions.length >= fewestNames);
for (let i = full.length; i < added.length; i++) drop('row: too few names left');
const told = full.flatMap((row) =>
  [row.description, ...(reworded.get(row) ?? [])].map((description) => ({ ...row, description })),
);
const rows = [...base, ...told];
await writeFile(
  outPath,
  stringify(
    rows.map(({ description, suggestions }) => ({ description, suggestions: JSON.stringify(suggestions) })),
    { header: true },
  ),
);
await embedder.dispose();
console.log(Object.fromEntries(dropped));
const nameCount = rows.reduce((sum, row) => sum + row.suggestions.length, 0);
console.log(`${rows.length} rows (${told.length} new, of ${full.length} businesses), ${nameCount} names -> ${outPath}`);
process.exit(0);
