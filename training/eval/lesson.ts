/**
 * Writes what a second lesson teaches as the service reads it: descriptions without disguise, orders and slips of the pen, glosses
 * beside them, and the hints of each as if its own business had never been remembered.
 *
 * Usage: node dist/training/eval/lesson.js VERSION LESSON.json OUT_FOLDER
 * VERSION is the model that the lesson goes on from, whose memory gives the hints. LESSON.json names the memory's dataset, how many of its
 * rows to draw, the files of rated names, and those of texts to allow or refuse; `limit`, for a smoke run, thins each of these out.
 * Writes rows.jsonl (prompt, hints, names), described.jsonl (description, prompt, hints; all that the ratings tell of) and
 * texts.jsonl (description, prompt, label).
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { seededRandom, shuffled } from '../../src/engine/random.js';
import { loadConfig } from '../../src/config.js';
import { resolveModel } from '../../src/models.js';
import { fromRoot } from '../../src/paths.js';
import { loadParts } from '../../src/service.js';
import { buildPrompt } from '../../src/suggest/prompt.js';
import { readable } from '../../src/suggest/suggester.js';
import { readCsv, safetyRowSchema } from './csv.js';
import { hintsForTraining, readMemory } from './memory.js';

const lessonSchema = z.object({
  memory: z.string(),
  rows: z.number().int().positive(),
  ratings: z.array(z.string()),
  texts: z.array(z.string()),
  seed: z.number().int(),
  limit: z.number().int().positive().optional(),
});

const [version, lessonPath, out] = process.argv.slice(2);
if (!version || !lessonPath || !out) throw new Error('usage: lesson VERSION LESSON.json OUT_FOLDER');
const lesson = lessonSchema.parse(JSON.parse(await readFile(lessonPath, 'utf8')));

const { parts } = await loadParts(await resolveModel(version), {
  ...loadConfig(),
  gpu: false,
  sequences: 1,
  queueLimit: 1,
});
const { told, businessOf } = await readMemory(fromRoot(lesson.memory));

/** At most `limit` items, evenly from all of them. */
function thinned<Item>(items: readonly Item[]): Item[] {
  const every = Math.max(1, Math.ceil(items.length / (lesson.limit ?? items.length)));
  return items.filter((_, index) => index % every === 0);
}

async function shown(description: string): Promise<{ prompt: string; hints: string[] }> {
  const read = readable(description, parts);
  const query = await parts.embedder.embed(read);
  const { hints } = parts.recall.lookUp(query, hintsForTraining, businessOf.get(description));
  return { prompt: buildPrompt({ description: read, hints: [] }), hints: hints.map(({ word }) => word) };
}

async function write(name: string, rows: readonly object[]): Promise<void> {
  await writeFile(join(out!, name), rows.map((row) => JSON.stringify(row) + '\n').join(''));
}

await mkdir(out, { recursive: true });
const ratingSchema = z.object({ description: z.string() });
const rated = await Promise.all(lesson.ratings.map((path) => readCsv(fromRoot(path), ratingSchema)));
const described: object[] = [];
for (const description of thinned([...new Set(rated.flat().map((row) => row.description))]))
  described.push({ description, ...(await shown(description)) });
await write('described.jsonl', described);

const labelled = await Promise.all(lesson.texts.map((path) => readCsv(fromRoot(path), safetyRowSchema)));
const texts = thinned(labelled.flat());
await write(
  'texts.jsonl',
  texts.map(({ description, label }) => ({
    description,
    prompt: buildPrompt({ description: readable(description, parts), hints: [] }),
    label,
  })),
);

const rows: object[] = [];
for (const { description, suggestions } of shuffled(told, seededRandom(lesson.seed)).slice(
  0,
  lesson.limit ?? lesson.rows,
))
  rows.push({ ...(await shown(description)), names: suggestions });
await write('rows.jsonl', rows);
console.log(`${rows.length} rows, ${described.length} rated descriptions, ${texts.length} texts -> ${out}`);
process.exit(0);
