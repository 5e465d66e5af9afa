/**
 * Which of two systems gives the better names: blind pairs in both orders, judged by a language model or by readers of a
 * sheet.
 *
 * Usage: npm run compare -- OLDER NEWER [--judge sheet|openai] [--out FOLDER] [--limit N] [--price IN,OUT]
 *        npm run compare -- --scores SHEET.csv --key KEY.json
 * OLDER and NEWER are versions with data/model_VERSION-results.csv, or such files. `sheet` (what is done without
 * OPENAI_API_KEY) writes sheet.csv, whose column `better` a reader fills with first, second or tie, and key.json, which no
 * reader may see; --scores reads them back. --price is dollars a million tokens, in and out, for the estimate beforehand.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { loadConfig } from '../../src/config.js';
import { fromRoot } from '../../src/paths.js';
import { askEach } from './asking.js';
import { datasetRowSchema, readCsv } from './csv.js';
import { resultsPath } from './results.js';
import { blindPairs, pairQuestion, sides, winRate, type Answer, type BlindPair, type Side } from './pairwise.js';

const seed = 20;
const tokensPerAnswer = 12;

const keySchema = z.object({
  older: z.string(),
  newer: z.string(),
  newerFirst: z.array(z.boolean()),
  kinds: z.array(z.string()),
});
const sheetRowSchema = z.object({
  number: z.coerce.number().int().positive(),
  description: z.string(),
  better: z.union([z.enum(sides), z.literal('').transform(() => undefined)]),
});

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    judge: { type: 'string' },
    out: { type: 'string', default: fromRoot('training', 'runs', 'compare') },
    limit: { type: 'string' },
    price: { type: 'string' },
    scores: { type: 'string' },
    key: { type: 'string' },
  },
});
const usage = 'usage: npm run compare -- OLDER NEWER [--judge sheet|openai], or --scores SHEET.csv --key KEY.json';

const answerSchema = datasetRowSchema.extend({ kind: z.string(), label: z.string().optional() });

async function readAnswers(system: string): Promise<Answer[]> {
  const ofVersion = resultsPath(system);
  const rows = await readCsv(existsSync(ofVersion) ? ofVersion : system, answerSchema);
  // What should have been refused is no matter for a judge of names.
  const lawful = rows.filter(({ label }) => label !== 'refuse');
  return lawful.map(({ description, kind, suggestions }) => ({ description, kind, names: suggestions }));
}

const percent = (share: number) => `${(100 * share).toFixed(1)}%`;

/** The newer system's win rate over all and for each kind of description. */
function report(older: string, newer: string, pairs: readonly BlindPair[], verdicts: readonly (Side | undefined)[]) {
  for (const kind of ['all', ...new Set(pairs.map((pair) => pair.kind))]) {
    const chosen = pairs.map((pair, index) => (kind === 'all' || pair.kind === kind ? verdicts[index] : undefined));
    const { judgements, wins, ties, losses, rate, low, high } = winRate(pairs, chosen);
    const counts = `${wins} won, ${ties} tied, ${losses} lost`;
    if (judgements > 0)
      console.log(
        `${kind}: ${newer} wins ${percent(rate)} (${percent(low)} to ${percent(high)}) against ${older}: ${counts}`,
      );
  }
}

async function readScores(sheetPath: string, keyPath: string) {
  const key = keySchema.parse(JSON.parse(await readFile(keyPath, 'utf8')));
  const rows = await readCsv(sheetPath, sheetRowSchema);
  const pairs = rows.map(({ number, description }) => {
    const [newerFirst, kind] = [key.newerFirst[number - 1], key.kinds[number - 1]];
    if (newerFirst === undefined || kind === undefined) throw new Error(`the key has no row ${number}`);
    return { description, kind, first: [], second: [], newerFirst };
  });
  const verdicts = rows.map(({ better }) => better);
  report(key.older, key.newer, pairs, verdicts);
  const empty = verdicts.filter((verdict) => verdict === undefined).length;
  if (empty > 0) console.log(`${empty} of ${rows.length} rows have no verdict`);
}

async function writeSheet(older: string, newer: string, pairs: readonly BlindPair[], folder: string) {
  const rows = pairs.map(({ description, first, second }, index) => ({
    number: index + 1,
    description,
    first: first.join(' '),
    second: second.join(' '),
    better: '',
  }));
  const newerFirst = pairs.map((pair) => pair.newerFirst);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'sheet.csv'), stringify(rows, { header: true }));
  await writeFile(
    join(folder, 'key.json'),
    JSON.stringify({ older, newer, newerFirst, kinds: pairs.map(({ kind }) => kind) }),
  );
  console.log(`${pairs.length} pairs -> ${join(folder, 'sheet.csv')}; the key, for no reader's eyes -> key.json`);
}

async function askAll(older: string, newer: string, pairs: readonly BlindPair[], folder: string) {
  const options = { folder, tokensPerAnswer, price: values.price };
  const verdicts = await askEach(loadConfig().judge, pairs.map(pairQuestion), options);
  report(
    older,
    newer,
    pairs,
    verdicts.map((verdict) => verdict?.better),
  );
}

if (values.scores) {
  if (!values.key) throw new Error(usage);
  await readScores(values.scores, values.key);
} else {
  const [older, newer] = positionals;
  if (!older || !newer) throw new Error(usage);
  const pairs = blindPairs(await readAnswers(older), await readAnswers(newer), seed);
  const shown = pairs.slice(0, values.limit ? Number(values.limit) : undefined);
  const how = values.judge ?? (loadConfig().judge.apiKey ? 'openai' : 'sheet');
  if (how === 'sheet') await writeSheet(older, newer, shown, values.out);
  else if (how === 'openai') await askAll(older, newer, shown, values.out);
  else throw new Error(`--judge is ${JSON.stringify(how)}; allowed is sheet or openai`);
}
