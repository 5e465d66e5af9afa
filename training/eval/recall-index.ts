/**
 * Writes a version's memory: recall.json, recall.bin and the metric of its vectors, metric.bin; and for training the hints of each row of a dataset as if that
 * row had never been remembered (leave-one-out), so that the model learns hints of the quality it will be served.
 *
 * Usage: node dist/training/eval/recall-index.js MEMORY.csv EMBEDDER.gguf OUT_FOLDER [DATASET.csv HINTS.jsonl]
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LlamaEmbedder } from '../../src/engine/embedder.js';
import { loadLlama } from '../../src/engine/llama.js';
import { parseWordFrequencies, partWords } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { buildPrompt } from '../../src/suggest/prompt.js';
import { Metric } from '../../src/suggest/metric.js';
import { Recall, toInt8, type RecallFile } from '../../src/suggest/recall.js';
import { datasetRowSchema, readCsv } from './csv.js';
import { EmbeddingCache } from './embedding-cache.js';
import { hintsForTraining, readMemory } from './memory.js';

const [memoryPath, embedderPath, outFolder, datasetPath, hintsPath] = process.argv.slice(2);
if (!memoryPath || !embedderPath || !outFolder)
  throw new Error('usage: recall-index MEMORY.csv EMBEDDER.gguf OUT_FOLDER [DATASET.csv HINTS.jsonl]');

const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
const embedder = await LlamaEmbedder.load(await loadLlama({ gpu: false }), embedderPath);

const { told, keys, businesses } = await readMemory(memoryPath);
const cache = await EmbeddingCache.open(embedder, embedderPath);
const uses = new Map<string, { rows: Set<number>; first: number; last: number }>();
for (const [index, row] of businesses.entries())
  for (const name of row.suggestions) {
    const parts = partWords(name, words);
    for (const [place, word] of parts.entries()) {
      const use = uses.get(word) ?? { rows: new Set(), first: 0, last: 0 };
      use.rows.add(index);
      if (parts.length === 2) use[place === 0 ? 'first' : 'last']++;
      uses.set(word, use);
    }
  }
const file: RecallFile = {
  dimensions: embedder.dimensions,
  rows: businesses.map((row) => row.suggestions),
  keys,
  words: [...uses].map(([word, { rows, first, last }]) => ({ word, rows: [...rows], first, last })),
};

const keyVectors: Float32Array[] = [];
for (const row of told) keyVectors.push(await cache.embed(row.description));
const wordVectors: Float32Array[] = [];
for (const { word } of file.words) wordVectors.push(await cache.embed(word));

await cache.save();

const metric = Metric.fit(keyVectors, keys);
for (const vectors of [keyVectors, wordVectors])
  for (const [index, vector] of vectors.entries()) vectors[index] = metric.apply(vector);

const pack = (vectors: Float32Array[]) => Buffer.concat(vectors.map((vector) => Buffer.from(toInt8(vector).buffer)));
await mkdir(outFolder, { recursive: true });
await writeFile(join(outFolder, 'metric.bin'), metric.toBytes());
await writeFile(join(outFolder, 'recall.json'), JSON.stringify(file));
await writeFile(join(outFolder, 'recall.bin'), Buffer.concat([pack(keyVectors), pack(wordVectors)]));

if (datasetPath && hintsPath) {
  const recall = await Recall.load(outFolder);
  const keyOf = new Map(told.map((row, index) => [row.description, index]));
  const lines: string[] = [];
  for (const { description, suggestions } of await readCsv(datasetPath, datasetRowSchema)) {
    const key = keyOf.get(description);
    const vector = key === undefined ? metric.apply(await cache.embed(description)) : keyVectors[key]!;
    const { hints } = recall.lookUp(vector, hintsForTraining, key === undefined ? undefined : keys[key]);
    const prompt = buildPrompt({ description, hints: [] });
    lines.push(JSON.stringify({ prompt, hints: hints.map(({ word }) => word), names: suggestions }));
  }
  await writeFile(hintsPath, lines.join('\n') + '\n');
}
console.log(
  `${told.length} descriptions of ${businesses.length} businesses, ${file.words.length} part-words -> ${outFolder}`,
);
await embedder.dispose();
process.exit(0);
