/**
 * Draws candidates for raters: what the pipeline proposes for rows of its memory as if each had never been written.
 *
 * Usage: node dist/training/eval/rate-pool.js VERSION MEMORY.csv FIRST|again OUT.csv [ROWS] [SKIP]
 * Businesses before the FIRST allowed one, which model or embedder were taught on, are not drawn, nor any that
 * data/name_ratings.csv has; each is told in one of its wordings. `again` draws those that it has and that no generator is
 * taught, told as they are there; a name that was rated for one before keeps its rating. Writes description,name,rating (empty) and the ranker's
 * inputs, some 20 names a row: the best by the present ranker and a random few of the rest. All of them are of those that
 * the generator is asked about; one that had the second lesson, which teaches both, gives its verdicts too.
 */
import { writeFile } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { seededRandom, shuffled } from '../../src/engine/random.js';
import { loadConfig } from '../../src/config.js';
import { resolveModel } from '../../src/models.js';
import { loadParts } from '../../src/service.js';
import { quality, rankInputs } from '../../src/suggest/rank.js';
import { shortlisted, Suggester } from '../../src/suggest/suggester.js';
import { fromRoot } from '../../src/paths.js';
import { readCsv, rounded } from './csv.js';
import { readMemory } from './memory.js';

const bestShown = 10;
const othersShown = 10;
const seed = 42;
const deadlineMs = 120_000;

const [version, memoryPath, first, outPath, rowCount = '60', skip = '0'] = process.argv.slice(2);
if (!version || !memoryPath || !first || !outPath)
  throw new Error('usage: rate-pool VERSION MEMORY.csv FIRST OUT.csv [ROWS] [SKIP]');

const model = await resolveModel(version);
const { parts } = await loadParts(model, { ...loadConfig(), gpu: false, sequences: 6, queueLimit: 1 });
const suggester = new Suggester(parts);
const { told, keys, businesses } = await readMemory(memoryPath);
const ratingSchema = z.object({ description: z.string(), name: z.string(), rating: z.string(), generator: z.string() });
const ratings = await readCsv(fromRoot('data', 'name_ratings.csv'), ratingSchema);
const described = new Set(ratings.map(({ description }) => description));
const ratingOf = new Map(ratings.map(({ description, name, rating }) => [`${description}\n${name}`, rating]));
const keptAway = new Set(ratings.filter(({ generator }) => generator !== '').map(({ description }) => description));
const rated = new Set(keys.filter((_, index) => described.has(told[index]!.description)));
const wordings: string[][] = businesses.map(() => []);
for (const [index, { description }] of told.entries()) wordings[keys[index]!]!.push(description);
const random = seededRandom(seed);
const isAgain = first === 'again';
const drawn = shuffled([...businesses.keys()], random)
  .filter((row) =>
    isAgain ? wordings[row]!.some((told) => keptAway.has(told)) : row >= Number(first) && !rated.has(row),
  )
  .slice(Number(skip), Number(skip) + Number(rowCount));

const table: Record<string, string | number>[] = [];
for (const row of drawn) {
  const { suggestions } = businesses[row]!;
  const told = wordings[row]!;
  const description = (isAgain && told.find((wording) => keptAway.has(wording))) || shuffled(told, random)[0]!;
  const signal = AbortSignal.timeout(deadlineMs);
  const request = { description, count: 5, seed: row };
  const { measured } = await suggester.propose(request, signal, undefined, {
    withoutRow: row,
    weighedCount: shortlisted,
    asksVerdicts: model.secondOpinion !== undefined,
    asksLikelihood: true,
  });
  const own = new Set(suggestions);
  const fresh = measured
    .filter(({ candidate }) => !own.has(candidate.name))
    .sort((a, b) => quality(b, parts.ranker) - quality(a, parts.ranker));
  const shown = [...fresh.slice(0, bestShown), ...shuffled(fresh.slice(bestShown), random).slice(0, othersShown)];
  for (const { candidate, features, line } of shuffled(shown, random))
    table.push({
      description,
      name: candidate.name,
      rating: ratingOf.get(`${description}\n${candidate.name}`) ?? '',
      ...rounded(rankInputs(features)),
      generator: line ? model.version : '',
      lineLogProbability: line?.logProbability?.toFixed(4) ?? '',
      lineAdvantage: line?.advantage.toFixed(4) ?? '',
      lineTokens: line?.tokens ?? '',
      lineVerdict: line?.verdict?.toFixed(4) ?? '',
    });
}
await writeFile(outPath, stringify(table, { header: true }));
console.log(`${table.length} names for ${drawn.length} descriptions -> ${outPath}`);
process.exit(0);
