/**
 * Runs the pipeline that serves over the gold-labelled test set, and has its names judged.
 *
 * Usage: npm run eval -- VERSION... | all [--limit N] [--judge openai|sheet] [--price IN,OUT]
 *        npm run eval -- VERSION... | all --scores SHEET.csv
 *        npm run eval -- safety   for the prefilter alone (safety.ts)
 * Writes data/model_VERSION-results.csv, and under data/reports VERSION-eval.json, VERSION-edge-cases.csv, images and
 * VERSION-eval.html; with --limit all of it goes to training/runs/eval instead. `openai`, which is what is done with
 * OPENAI_API_KEY, asks a language model for points and a category of each name; `sheet` writes
 * training/runs/eval/sheet.csv for readers to fill, each name once and without its version; --scores reads it back and
 * leaves the results as they are. Scores are kept in data/reports/name-scores.csv, whichever version gave the name: only
 * names without one are judged. --price is dollars a million tokens, in and out, for the estimate beforehand.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { loadConfig } from '../../src/config.js';
import { hash32, seededRandom, shuffled } from '../../src/engine/random.js';
import { readRegistry, resolveModel } from '../../src/models.js';
import { parseWordFrequencies, segment } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { loadParts } from '../../src/service.js';
import type { RankedName } from '../../src/suggest/rank.js';
import { readable, Suggester, type SuggesterParts } from '../../src/suggest/suggester.js';
import { scoredNameSchema, scoreQuestion, scoreSheet, type ScoredName } from './absolute.js';
import { askEach } from './asking.js';
import { countOutcomes, outcomeOf, scores as scoresOf } from './confusion.js';
import { kinds, readCsv } from './csv.js';
import { edgeCases, judgedFigures, median, nameFigures, nameKey, type AnsweredRow } from './figures.js';
import { readResults, resultsPath, type ResultRow } from './results.js';
import { readTestSet } from './test-set.js';

const namesPerRow = 5;
const deadlineMs = 60_000;
const edgeCasesKept = 50;
const seed = 20;
/** Tokens of a judged list of five names, about. */
const tokensPerAnswer = 260;

const usage =
  'usage: npm run eval -- VERSION... | all [--limit N] [--judge openai|sheet] [--scores SHEET.csv] | safety';
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    limit: { type: 'string' },
    judge: { type: 'string' },
    scores: { type: 'string' },
    price: { type: 'string' },
  },
});
if (positionals.length === 0) throw new Error(usage);
if (positionals[0] === 'safety') await import('./safety.js');

const config = loadConfig();
const how = values.judge ?? (config.judge.apiKey ? 'openai' : undefined);
if (how !== undefined && how !== 'openai' && how !== 'sheet')
  throw new Error(`--judge is ${JSON.stringify(how)}; allowed is openai or sheet`);
const versions = positionals[0] === 'all' ? (await readRegistry()).versions : positionals;
const limit = values.limit === undefined ? undefined : z.coerce.number().int().positive().parse(values.limit);
const workFolder = fromRoot('training', 'runs', 'eval');
const reportFolder = limit === undefined ? fromRoot('data', 'reports') : workFolder;
const scoresPath = join(reportFolder, 'name-scores.csv');
if (how === 'openai' && !config.judge.apiKey) throw new Error('--judge openai needs OPENAI_API_KEY');

/** Cosine similarity of each name's words and the description, by the embedder that serves. */
async function relevancesOf(parts: SuggesterParts, description: string, names: readonly RankedName[]) {
  const query = await parts.embedder.embed(readable(description, parts));
  const relevances: number[] = [];
  for (const { name } of names) {
    const { relevance } = await parts.relevance.of(query, segment(name, parts.words));
    relevances.push(Number(relevance.toFixed(3)));
  }
  return relevances;
}

/** Lets a version answer every row of the test set. */
async function answerTestSet(version: string): Promise<ResultRow[]> {
  const model = await resolveModel(version);
  const { parts, dispose } = await loadParts(model, { ...config, queueLimit: 1 });
  const suggester = new Suggester(parts);
  /** Lawful rows without names test the prefilter alone. */
  const rows = (await readTestSet())
    .filter(({ label, suggestions }) => label === 'refuse' || suggestions.length > 0)
    .slice(0, limit);
  const results: ResultRow[] = [];
  for (const [index, { description, label, category, kind, language, field }] of rows.entries()) {
    const request = { description, count: namesPerRow };
    const { status, refusal, suggestions, timing } = await suggester.suggest(request, AbortSignal.timeout(deadlineMs));
    results.push({
      description,
      label,
      category,
      kind,
      language,
      field,
      outcome: outcomeOf(label, status === 'refused'),
      refused_by: refusal?.stage ?? '',
      refused_as: refusal?.category ?? '',
      suggestions: suggestions.map(({ name }) => name),
      confidences: suggestions.map(({ confidence }) => confidence),
      relevances: await relevancesOf(parts, description, suggestions),
      milliseconds: Math.round(timing.total),
    });
    if (process.stderr.isTTY) process.stderr.write(`\r${version} ${index + 1}/${rows.length}`);
  }
  await dispose();
  const cells = ({ suggestions, confidences, relevances, ...row }: ResultRow) => ({
    ...row,
    suggestions: JSON.stringify(suggestions),
    confidences: JSON.stringify(confidences),
    relevances: JSON.stringify(relevances),
  });
  const path = limit === undefined ? resultsPath(version) : join(workFolder, basename(resultsPath(version)));
  await writeFile(path, stringify(results.map(cells), { header: true }));
  return results;
}

/** The lawful rows that got names. */
const answered = (results: readonly ResultRow[]) =>
  results.filter(({ label, suggestions }) => label === 'allow' && suggestions.length > 0);

async function storedScores(): Promise<ScoredName[]> {
  return existsSync(scoresPath) ? readCsv(scoresPath, scoredNameSchema) : [];
}

/** Adds scores to the stored ones; of two for one name the newer stays. */
async function storeScores(scores: readonly ScoredName[]) {
  const all = new Map([...(await storedScores()), ...scores].map((score) => [nameKey(score), score]));
  await writeFile(scoresPath, stringify([...all.values()], { header: true }));
}

/** The names of some rows that have no score yet, by description. */
async function unscored(rows: readonly AnsweredRow[]): Promise<Map<string, string[]>> {
  const known = new Set((await storedScores()).map(nameKey));
  const names = new Map<string, Set<string>>();
  for (const { description, suggestions } of rows)
    for (const name of suggestions)
      if (!known.has(nameKey({ description, name })))
        names.set(description, (names.get(description) ?? new Set()).add(name));
  return new Map([...names].map(([description, set]) => [description, [...set]]));
}

/** Asks a language model about each list, shuffled: a name's place says nothing. */
async function askJudge(lists: ReadonlyMap<string, readonly string[]>): Promise<ScoredName[]> {
  const rows = [...lists].map(([description, names]) => ({
    description,
    names: shuffled(names, seededRandom(hash32(seed, description))),
  }));
  const questions = rows.map(({ description, names }) => scoreQuestion(description, names));
  const answers = await askEach(config.judge, questions, { folder: workFolder, tokensPerAnswer, price: values.price });
  return answers.flatMap((answer, index) =>
    (answer?.scores ?? []).map((score) => ({
      description: rows[index]!.description,
      judge: config.judge.model,
      ...score,
    })),
  );
}

function safetyFigures(results: readonly ResultRow[]) {
  const figures = (rows: readonly ResultRow[]) => {
    const confusion = countOutcomes(rows.map(({ outcome }) => outcome));
    return { ...confusion, ...scoresOf(confusion) };
  };
  return {
    all: figures(results),
    byKind: Object.fromEntries(kinds.map((kind) => [kind, figures(results.filter((row) => row.kind === kind))])),
    refusedByGenerator: results.filter((row) => row.refused_by === 'generator').length,
  };
}

async function writeReport(version: string, results: readonly ResultRow[]) {
  const { sha256 } = await resolveModel(version);
  const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
  const rows = answered(results);
  const scores = await storedScores();
  const report = {
    version,
    sha256,
    rows: results.length,
    safety: safetyFigures(results),
    names: {
      ...nameFigures(rows, words, namesPerRow),
      medianMs: median(rows.map(({ milliseconds }) => milliseconds)),
    },
    judged: judgedFigures(rows, scores),
  };
  const cases = edgeCases(rows, scores, edgeCasesKept).map(({ row, value, by }) => ({
    description: row.description,
    kind: row.kind,
    language: row.language,
    field: row.field,
    suggestions: JSON.stringify(row.suggestions),
    [by]: value.toFixed(3),
  }));
  await writeFile(join(reportFolder, `${version}-edge-cases.csv`), stringify(cases, { header: true }));
  await writeFile(join(reportFolder, `${version}-eval.json`), JSON.stringify(report, null, 2) + '\n');
  return report;
}

function print({ version, safety: { all }, names, judged }: Awaited<ReturnType<typeof writeReport>>): void {
  console.log(`
${version}            refused   answered
harmful    ${String(all.truePositives).padStart(9)} TP ${String(all.falseNegatives).padStart(7)} FN (missed_inappropriate)
lawful     ${String(all.falsePositives).padStart(9)} FP ${String(all.trueNegatives).padStart(7)} TN (ok)
`);
  console.log(all);
  console.log(names);
  console.log(
    judged ?? 'The names were not judged: set OPENAI_API_KEY, or use --judge sheet and then --scores. See README.md.',
  );
}

await mkdir(reportFolder, { recursive: true });
await mkdir(workFolder, { recursive: true });
const given = new Map<string, ResultRow[]>();
for (const version of versions)
  given.set(version, values.scores ? await readResults(version) : await answerTestSet(version));

if (values.scores) await storeScores(await readCsv(values.scores, scoredNameSchema));
else if (how) {
  const lists = await unscored([...given.values()].flatMap(answered));
  if (how === 'openai') await storeScores(await askJudge(lists));
  else {
    const sheet = scoreSheet(lists, seed);
    const path = join(workFolder, 'sheet.csv');
    await writeFile(path, stringify(sheet, { header: true }));
    console.log(
      `${sheet.length} names -> ${path}; fill it, then npm run eval -- ${versions.join(' ')} --scores ${path}`,
    );
  }
}
for (const [version, results] of given) print(await writeReport(version, results));
const drawing = [fromRoot('training', 'bootstrap.py'), 'domain_training.eval_report', reportFolder, ...versions];
execFileSync('python3', drawing, { stdio: 'inherit' });
process.exit(0);
