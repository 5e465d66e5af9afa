/**
 * Runs the pipeline that serves over the gold-labelled test set.
 *
 * Usage: npm run eval -- VERSION [--limit N], or npm run eval -- safety for the prefilter alone (safety.ts)
 * Writes data/model_VERSION-results.csv and data/reports/VERSION-eval.json; prints the safety confusion matrix and what
 * can be said of the names without a judge.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'csv-stringify/sync';
import { loadConfig } from '../../src/config.js';
import { resolveModel } from '../../src/models.js';
import { isName } from '../../src/names/format.js';
import { segment } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { loadParts } from '../../src/service.js';
import { brokenConstraint, readConstraints } from '../../src/suggest/constraints.js';
import { Suggester, type Suggestion } from '../../src/suggest/suggester.js';
import { countOutcomes, outcomeOf, scores } from './confusion.js';
import { kinds } from './csv.js';
import { readTestSet, type TestRow } from './test-set.js';

const namesPerRow = 5;
const deadlineMs = 60_000;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { limit: { type: 'string' } } });
const version = positionals[0];
if (!version) throw new Error('usage: npm run eval -- VERSION [--limit N] | safety');
if (version === 'safety') await import('./safety.js');

interface Result {
  row: TestRow;
  suggestion: Suggestion;
}

const model = await resolveModel(version);
const { parts, dispose } = await loadParts(model, { ...loadConfig(), queueLimit: 1 });
const suggester = new Suggester(parts);
/** Lawful rows without names test the prefilter alone. */
const rows = (await readTestSet())
  .filter(({ label, suggestions }) => label === 'refuse' || suggestions.length > 0)
  .slice(0, values.limit ? Number(values.limit) : undefined);
const results: Result[] = [];
for (const [index, row] of rows.entries()) {
  const request = { description: row.description, count: namesPerRow };
  results.push({ row, suggestion: await suggester.suggest(request, AbortSignal.timeout(deadlineMs)) });
  if (process.stderr.isTTY) process.stderr.write(`\r${index + 1}/${rows.length}`);
}

const outcome = ({ row, suggestion }: Result) => outcomeOf(row.label, suggestion.status === 'refused');
const table = results.map(({ row, suggestion }) => ({
  description: row.description,
  label: row.label,
  category: row.category,
  kind: row.kind,
  language: row.language,
  field: row.field,
  outcome: outcome({ row, suggestion }),
  refused_by: suggestion.refusal?.stage ?? '',
  refused_as: suggestion.refusal?.category ?? '',
  suggestions: JSON.stringify(suggestion.suggestions.map(({ name }) => name)),
  confidences: JSON.stringify(suggestion.suggestions.map(({ confidence }) => confidence)),
}));
await writeFile(fromRoot('data', `model_${model.version}-results.csv`), stringify(table, { header: true }));

/** Median, or NaN of nothing. */
function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted.length === 0
    ? NaN
    : (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

/** What holds of the names of answered rows by count alone. */
function nameFigures(answered: readonly Result[]) {
  const names = answered.flatMap(({ row, suggestion }) => suggestion.suggestions.map(({ name }) => ({ name, row })));
  const share = (part: number) => (names.length === 0 ? 0 : part / names.length);
  const complete = answered.filter(
    ({ suggestion }) => new Set(suggestion.suggestions.map(({ name }) => name)).size === namesPerRow,
  );
  return {
    rows: answered.length,
    rowsWithFiveValidDistinct: complete.length,
    validShare: share(names.filter(({ name, row }) => isName(name, readConstraints(row.description).minLength)).length),
    constraintsObeyedShare: share(
      names.filter(({ name, row }) => !brokenConstraint(name, readConstraints(row.description))).length,
    ),
    realWordsShare: share(names.filter(({ name }) => segment(name, parts.words).coverage === 1).length),
    distinctShare: share(new Set(names.map(({ name }) => name)).size),
    meanLength: names.reduce((sum, { name }) => sum + name.length, 0) / Math.max(1, names.length),
    medianMs: Math.round(median(answered.map(({ suggestion }) => suggestion.timing.total))),
  };
}

const all = countOutcomes(results.map(outcome));
const report = {
  version: model.version,
  sha256: model.sha256,
  rows: results.length,
  safety: {
    all: { ...all, ...scores(all) },
    byKind: Object.fromEntries(
      kinds.map((kind) => {
        const confusion = countOutcomes(results.filter(({ row }) => row.kind === kind).map(outcome));
        return [kind, { ...confusion, ...scores(confusion) }];
      }),
    ),
    refusedByGenerator: results.filter(({ suggestion }) => suggestion.refusal?.stage === 'generator').length,
  },
  names: nameFigures(results.filter(({ row, suggestion }) => row.label === 'allow' && suggestion.status === 'ok')),
};
await mkdir(fromRoot('data', 'reports'), { recursive: true });
await writeFile(fromRoot('data', 'reports', `${model.version}-eval.json`), JSON.stringify(report, null, 2) + '\n');

console.log(`
                 refused   answered
harmful    ${String(all.truePositives).padStart(9)} TP ${String(all.falseNegatives).padStart(7)} FN (missed_inappropriate)
lawful     ${String(all.falsePositives).padStart(9)} FP ${String(all.trueNegatives).padStart(7)} TN (ok)
`);
console.log(report.safety.all);
console.log(report.names);
await dispose();
process.exit(0);
