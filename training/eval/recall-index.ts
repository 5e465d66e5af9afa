/**
 * Writes a version's memory: recall.json and recall.bin, and for training the hints of each row as if that row had never
 * been written (leave-one-out), so that the model learns hints of the quality it will be served.
 *
 * Usage: node dist/training/eval/recall-index.js DATASET.csv OUT_FOLDER [HINTS.jsonl]
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

const [datasetPath, outFolder, hintsPath] = process.argv.slice(2);
if (!datasetPath || !outFolder) throw new Error('usage: recall-index DATASET.csv OUT_FOLDER [HINTS.jsonl]');

const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
const dataset = await readCsv(datasetPath, datasetRowSchema);
const embedder = await LlamaEmbedder.load(await loadLlama(), fromRoot('models', 'minilm-l6-v2', 'model.gguf'));

const allowed = dataset.filter((row) => row.suggestions.length > 0);
const rowsOf = new Map<string, Set<number>>();
for (const [index, row] of allowed.entries())
  for (const name of row.suggestions)
    for (const word of partWords(name, words)) {
      const rows = rowsOf.get(word) ?? new Set();
      rowsOf.set(word, rows.add(index));
    }
const file: RecallFile = {
  dimensions: embedder.dimensions,
  rows: allowed.map((row) => row.suggestions),
  words: [...rowsOf].map(([word, rows]) => ({ word, rows: [...rows] })),
};

const rowVectors: Float32Array[] = [];
for (const row of allowed) rowVectors.push(await embedder.embed(row.description));
const wordVectors: Float32Array[] = [];
for (const { word } of file.words) wordVectors.push(await embedder.embed(word));

const pack = (vectors: Float32Array[]) => Buffer.concat(vectors.map((vector) => Buffer.from(toInt8(vector).buffer)));
await mkdir(outFolder, { recursive: true });
await writeFile(join(outFolder, 'recall.json'), JSON.stringify(file));
await writeFile(join(outFolder, 'recall.bin'), Buffer.concat([pack(rowVectors), pack(wordVectors)]));

if (hintsPath) {
  const recall = await Recall.load(outFolder);
  const lines: string[] = [];
  let allowedIndex = 0;
  for (const row of dataset) {
    const isAllowed = row.suggestions.length > 0;
    const vector = isAllowed ? rowVectors[allowedIndex]! : await embedder.embed(row.description);
    const { hints } = recall.lookUp(vector, hintsForTraining, isAllowed ? allowedIndex++ : undefined);
    const prompt = buildPrompt({ description: row.description, hints: [] });
    lines.push(JSON.stringify({ prompt, hints: hints.map(({ word }) => word), names: row.suggestions }));
  }
  await writeFile(hintsPath, lines.join('\n') + '\n');
}
console.log(`${allowed.length} rows, ${file.words.length} part-words -> ${outFolder}`);
await embedder.dispose();
process.exit(0);
