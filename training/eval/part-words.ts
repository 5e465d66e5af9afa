/**
 * Splits the names of a dataset into their words, for training the embedder.
 *
 * Usage: node dist/training/eval/part-words.js OUT.jsonl DATASET.csv...
 * Writes {"description", "words"} for each allowed row: the distinct words of its names.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseWordFrequencies, partWords } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { datasetRowSchema, readCsv } from './csv.js';

const [outPath, ...datasetPaths] = process.argv.slice(2);
if (!outPath || datasetPaths.length === 0) throw new Error('usage: part-words OUT.jsonl DATASET.csv...');

const frequencies = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
const lines: string[] = [];
for (const path of datasetPaths)
  for (const { description, suggestions } of await readCsv(path, datasetRowSchema)) {
    const words = [...new Set(suggestions.flatMap((name) => partWords(name, frequencies)))];
    if (words.length > 0) lines.push(JSON.stringify({ description, words }));
  }
await writeFile(outPath, lines.join('\n') + '\n');
console.log(`${lines.length} rows -> ${outPath}`);
