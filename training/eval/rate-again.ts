/**
 * Measures rated names anew: after a change of embedder, memory or features the ratings stay true, their inputs do not.
 *
 * Usage: node dist/training/eval/rate-again.js VERSION MEMORY.csv RATINGS.csv
 * What depends on the run that proposed a name (log-probability, votes, its source) and what the generator said of it are
 * kept from the file.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { dot } from '../../src/engine/embedder.js';
import { loadConfig } from '../../src/config.js';
import { resolveModel } from '../../src/models.js';
import { segment, type WordFrequencies } from '../../src/names/segment.js';
import { loadParts } from '../../src/service.js';
import { ownWords, withOwnWords } from '../../src/suggest/own-words.js';
import type { Candidate } from '../../src/suggest/candidates.js';
import type { Recalled } from '../../src/suggest/recall.js';
import { lineInputNames, measure, rankInputs } from '../../src/suggest/rank.js';
import { readable } from '../../src/suggest/suggester.js';
import { rounded } from './csv.js';
import { readMemory } from './memory.js';

const [version, memoryPath, ratingsPath] = process.argv.slice(2);
if (!version || !memoryPath || !ratingsPath) throw new Error('usage: rate-again VERSION MEMORY.csv RATINGS.csv');

const model = await resolveModel(version);
const { parts } = await loadParts(model, { ...loadConfig(), gpu: false, sequences: 1, queueLimit: 1 });
const { told, businessOf } = await readMemory(memoryPath);
const rowsOf = new Map<string, string[]>();
for (const { description, suggestions } of told)
  for (const name of suggestions) rowsOf.set(name, [...(rowsOf.get(name) ?? []), description]);

const ratings: Record<string, string>[] = parse(await readFile(ratingsPath), { columns: true });
const vectors = new Map<string, Float32Array>();
async function vector(description: string): Promise<Float32Array> {
  const known = vectors.get(description) ?? (await parts.embedder.embed(readable(description, parts)));
  vectors.set(description, known);
  return known;
}

const lookedUp = new Map<string, Recalled>();
/** What is recalled for a description, its own row left out. */
function recalled(description: string, query: Float32Array): Recalled {
  const known = lookedUp.get(description) ?? parts.recall.lookUp(query, 1, businessOf.get(description));
  lookedUp.set(description, known);
  return known;
}

const wordLists = new Map<string, WordFrequencies>();
/** The word list with a description's own words. */
function wordsFor(description: string): WordFrequencies {
  const own = () => ownWords(readable(description, parts), parts.words, (word) => parts.recall.knows(word));
  const list = wordLists.get(description) ?? withOwnWords(parts.words, own());
  wordLists.set(description, list);
  return list;
}

const table: Record<string, string | number>[] = [];
for (const rating of ratings) {
  const { description = '', name = '' } = rating;
  const query = await vector(description);
  const composed = rating['composed'] === '1';
  const source = composed ? 'composed' : rating['written'] === '1' ? 'model' : 'recall';
  let nearest: number | undefined;
  for (const way of source === 'recall' ? (rowsOf.get(name) ?? []) : [])
    nearest = Math.max(nearest ?? -1, dot(query, await vector(way)));
  const candidate: Candidate = {
    name,
    source,
    votes: Number(rating['votes']) + 1,
    meanLogProbability: Number(rating['logProbability']),
    rowSimilarity: nearest,
  };
  const words = wordsFor(description);
  const split = segment(name, words);
  const memory = parts.recall.wordMemory(recalled(description, query));
  const similarity = await parts.relevance.of(query, split);
  const { features } = measure(candidate, split, similarity, description, words, memory);
  const said = Object.fromEntries(
    ['generator', 'lineLogProbability', ...lineInputNames].map((input) => [input, rating[input] ?? '']),
  );
  table.push({ description, name, rating: rating['rating'] ?? '', ...rounded(rankInputs(features)), ...said });
}
await writeFile(ratingsPath, stringify(table, { header: true }));
console.log(`${table.length} names measured anew -> ${ratingsPath}`);
process.exit(0);
