/**
 * Runs the pipeline that serves over the gold-labelled test set, and has its names judged.
 *
 * Usage: npm run eval -- VERSION... | all [--limit N] [--judge openai|sheet] [--price IN,OUT]
 *        npm run eval -- VERSION... | all --scores SHEET.csv
 *        npm run eval -- safety   for the prefilter alone (safety.ts)
 * Writes data/model_VERSION-results.csv, and under data/reports VERSION-eval.json, VERSION-edge-cases.csv, images and
 * VERSION-eval.html. `openai`, which is what is done with OPENAI_API_KEY, asks a language model for points and a category
 * of each name; `sheet` writes training/runs/eval/sheet.csv for readers to fill, each name once and without its version;
 * --scores reads it back and leaves the results as they are. Scores are kept in VERSION-scores.csv: names that stay the
 * same need no new judgement. --price is dollars a million tokens, in and out, for the estimate beforehand.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'csv-stringify/sync';
import { loadConfig } from '../../src/config.js';
import { readRegistry, resolveModel } from '../../src/models.js';
import { parseWordFrequencies, segment } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { loadParts } from '../../src/service.js';
import { undisguise } from '../../src/safety/normalize.js';
import type { RankedName } from '../../src/suggest/rank.js';
import { Suggester, type SuggesterParts } from '../../src/suggest/suggester.js';
import { scoredNameSchema, scoreQuestion, scoreSheet, type ScoredName } from './absolute.js';
import { askEach } from './asking.js';
import { countOutcomes, outcomeOf, scores as scoresOf } from './confusion.js';
import { kinds, readCsv } from './csv.js';
import { edgeCases, judgedFigures, median, nameFigures, type AnsweredRow } from './figures.js';
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
const limit = values.limit ? Number(values.limit) : undefined;
const reportPath = (version: string, rest: string) => fromRoot('data', 'reports', `${version}-${rest}`);
const workFolder = fromRoot('training', 'runs', 'eval');

/** Cosine similarity of each name's words and the description, by the embedder that serves. */
async function relevancesOf(parts: SuggesterParts, description: string, names: readonly RankedName[]) {
  const query = await parts.embedder.embed(undisguise(description));
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
  await writeFile(resultsPath(version), stringify(results.map(cells), { header: true }));
  return results;
}

/** The lawful rows that got names. */
const answered = (results: readonly ResultRow[]) =>
  results.filter(({ label, suggestions }) => label === 'allow' && suggestions.length > 0);

async function storedScores(version: string): Promise<ScoredName[]> {
  const path = reportPath(version, 'scores.csv');
  return existsSync(path) ? readCsv(path, scoredNameSchema) : [];
}

/** Keeps the scores of names that the version still gives, the newer of two for one name. */
async function storeScores(version: string, rows: readonly AnsweredRow[], scores: readonly ScoredName[]) {
  const given = new Set(rows.flatMap(({ description, suggestions }) => suggestions.map((n) => `${description}\n${n}`)));
  const kept = new Map<string, ScoredName>();
  for (const score of [...(await storedScores(version)), ...scores]) {
    const key = `${score.description}\n${score.name}`;
    if (given.has(key)) kept.set(key, score);
  }
  if (kept.size > 0)
    await writeFile(reportPath(version, 'scores.csv'), stringify([...kept.values()], { header: true }));
}

async function askJudge(rows: readonly AnsweredRow[]): Promise<ScoredName[]> {
  const questions = rows.map(({ description, suggestions }) => scoreQuestion(description, suggestions));
  const answers = await askEach(config.judge, questions, { folder: workFolder, tokensPerAnswer, price: values.price });
  return answers.flatMap((answer, index) =>
    (answer?.scores ?? []).map((score) => ({ description: rows[index]!.description, ...score })),
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
  const scores = await storedScores(version);
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
  await writeFile(reportPath(version, 'edge-cases.csv'), stringify(cases, { header: true }));
  await writeFile(reportPath(version, 'eval.json'), JSON.stringify(report, null, 2) + '\n');
  const { all } = report.safety;
  console.log(`
${version}            refused   answered
harmful    ${String(all.truePositives).padStart(9)} TP ${String(all.falseNegatives).padStart(7)} FN (missed_inappropriate)
lawful     ${String(all.falsePositives).padStart(9)} FP ${String(all.trueNegatives).padStart(7)} TN (ok)
`);
  console.log(all);
  console.log(report.names);
  if (report.judged) console.log(report.judged);
  else
    console.log(
      'The names were not judged: set OPENAI_API_KEY, or use --judge sheet and then --scores. See README.md.',
    );
}

await mkdir(fromRoot('data', 'reports'), { recursive: true });
const given = new Map<string, ResultRow[]>();
for (const version of versions)
  given.set(version, values.scores ? await readResults(version) : await answerTestSet(version));

if (values.scores) {
  const scores = await readCsv(values.scores, scoredNameSchema);
  for (const [version, results] of given) await storeScores(version, answered(results), scores);
} else if (how === 'openai') {
  for (const [version, results] of given)
    await storeScores(version, answered(results), await askJudge(answered(results)));
} else if (how === 'sheet') {
  const listed = [...given.values()].flatMap(answered);
  const names = listed.flatMap(({ description, suggestions }) => suggestions.map((name) => ({ description, name })));
  await mkdir(workFolder, { recursive: true });
  await writeFile(join(workFolder, 'sheet.csv'), stringify(scoreSheet(names, seed), { header: true }));
  console.log(
    `${names.length} names -> ${join(workFolder, 'sheet.csv')}; fill it, then npm run eval -- … --scores FILE`,
  );
}
for (const [version, results] of given) await writeReport(version, results);
execFileSync('python3', [fromRoot('training', 'bootstrap.py'), 'domain_training.eval_report', ...versions], {
  stdio: 'inherit',
});
process.exit(0);
