/**
 * Writes a version's memory: recall.json and recall.bin; and for training the hints of each row of a dataset as if that
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
import { Recall, toInt8, type RecallFile } from '../../src/suggest/recall.js';
import { datasetRowSchema, readCsv } from './csv.js';

/** More than a prompt takes, so that training can vary which of them it shows. */
const hintsForTraining = 14;

const [memoryPath, embedderPath, outFolder, datasetPath, hintsPath] = process.argv.slice(2);
if (!memoryPath || !embedderPath || !outFolder)
  throw new Error('usage: recall-index MEMORY.csv EMBEDDER.gguf OUT_FOLDER [DATASET.csv HINTS.jsonl]');

const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
const embedder = await LlamaEmbedder.load(await loadLlama({ gpu: false }), embedderPath);

const remembered = (await readCsv(memoryPath, datasetRowSchema)).filter((row) => row.suggestions.length > 0);
const uses = new Map<string, { rows: Set<number>; first: number; last: number }>();
for (const [index, row] of remembered.entries())
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
  rows: remembered.map((row) => row.suggestions),
  words: [...uses].map(([word, { rows, first, last }]) => ({ word, rows: [...rows], first, last })),
};

const rowVectors: Float32Array[] = [];
for (const row of remembered) rowVectors.push(await embedder.embed(row.description));
const wordVectors: Float32Array[] = [];
for (const { word } of file.words) wordVectors.push(await embedder.embed(word));

const pack = (vectors: Float32Array[]) => Buffer.concat(vectors.map((vector) => Buffer.from(toInt8(vector).buffer)));
await mkdir(outFolder, { recursive: true });
await writeFile(join(outFolder, 'recall.json'), JSON.stringify(file));
await writeFile(join(outFolder, 'recall.bin'), Buffer.concat([pack(rowVectors), pack(wordVectors)]));

if (datasetPath && hintsPath) {
  const recall = await Recall.load(outFolder);
  const rowOf = new Map(remembered.map((row, index) => [row.description, index]));
  const lines: string[] = [];
  for (const { description, suggestions } of await readCsv(datasetPath, datasetRowSchema)) {
    const own = rowOf.get(description);
    const vector = own === undefined ? await embedder.embed(description) : rowVectors[own]!;
    const { hints } = recall.lookUp(vector, hintsForTraining, own);
    const prompt = buildPrompt({ description, hints: [] });
    lines.push(JSON.stringify({ prompt, hints: hints.map(({ word }) => word), names: suggestions }));
  }
  await writeFile(hintsPath, lines.join('\n') + '\n');
}
console.log(`${remembered.length} rows, ${file.words.length} part-words -> ${outFolder}`);
await embedder.dispose();
process.exit(0);
