/**
 * Splits names into their words as the service does, for training the embedder.
 *
 * Usage: node dist/training/eval/name-words.js NAMES.json OUT.json
 * NAMES is an array of strings, OUT an array of arrays of words; empty for a name of no known word.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseWordFrequencies, partWords } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';

const [namesPath, outPath] = process.argv.slice(2);
if (!namesPath || !outPath) throw new Error('usage: name-words NAMES.json OUT.json');

const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
const names = z.array(z.string()).parse(JSON.parse(await readFile(namesPath, 'utf8')));
await writeFile(outPath, JSON.stringify(names.map((name) => partWords(name, words))));
