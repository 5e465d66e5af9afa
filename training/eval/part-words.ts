/**
 * Splits the names of a dataset into their words, for training the embedder.
 *
 * Usage: node dist/training/eval/part-words.js OUT.jsonl DATASET.csv
 * Writes {"wordings": [{"description", "read"}], "words"} for each business: its descriptions as written and as the service reads them,
 * and the distinct words of its names.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseWordFrequencies, partWords } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { Glossary } from '../../src/suggest/glossary.js';
import { readable } from '../../src/suggest/suggester.js';
import { readMemory } from './memory.js';

const [outPath, datasetPath] = process.argv.slice(2);
if (!outPath || !datasetPath) throw new Error('usage: part-words OUT.jsonl DATASET.csv');

const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
const glossary = new Glossary(await readFile(fromRoot('data', 'glossary.tsv'), 'utf8'), words);
const { told, keys, businesses } = await readMemory(datasetPath);
const wordings = businesses.map((): { description: string; read: string }[] => []);
for (const [index, { description }] of told.entries())
  wordings[keys[index]!]!.push({ description, read: readable(description, { words, glossary }) });
const lines = businesses
  .map(({ suggestions }, row) => ({
    wordings: wordings[row],
    words: [...new Set(suggestions.flatMap((name) => partWords(name, words)))],
  }))
  .filter(({ words }) => words.length > 0)
  .map((business) => JSON.stringify(business));
await writeFile(outPath, lines.join('\n') + '\n');
console.log(`${lines.length} businesses -> ${outPath}`);
