/**
 * Judges the prefilter on the gold-labelled test set: `npm run eval -- safety`.
 *
 * Writes data/reports/safety.json and, drawn by Python, safety-confusion.svg and safety-curve.svg beside it.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { loadConfig } from '../../src/config.js';
import { loadLlama } from '../../src/engine/llama.js';
import { seededRandom } from '../../src/engine/random.js';
import { fromRoot } from '../../src/paths.js';
import { loadPrefilter } from '../../src/service.js';
import { countOutcomes, outcomeOf, scores, type Outcome } from './confusion.js';
import { disguises, type Disguise } from './disguises.js';
import { kinds } from './csv.js';
import { readTestSet, type TestRow } from './test-set.js';

const resamples = 1000;
const falsePositiveBudget = 0.01;
const reportPath = fromRoot('data', 'reports', 'safety.json');

interface Judged {
  row: TestRow;
  refused: boolean;
  category: string;
  /** Whether the lexicon found something. */
  inLexicon: boolean;
  /** Probability of harm. */
  score: number;
  lexiconMs: number;
  prefilterMs: number;
}

const config = loadConfig();
const llama = await loadLlama({ gpu: config.gpu });
const { prefilter, lexicon, trained, dispose } = await loadPrefilter(llama, config);

async function judge(row: TestRow): Promise<Judged> {
  const started = performance.now();
  const found = await lexicon.classify(row.description);
  const between = performance.now();
  const judgement = await prefilter.judge(row.description);
  const ended = performance.now();
  return {
    row,
    refused: trained.refuses(judgement),
    category: judgement.category,
    inLexicon: found.label === 'refuse',
    score: judgement.harm,
    lexiconMs: between - started,
    prefilterMs: ended - between,
  };
}

const rows = await readTestSet();
const judged: Judged[] = [];
for (const row of rows) judged.push(await judge(row));

const figures = (part: readonly Judged[]) => {
  const confusion = countOutcomes(part.map(({ row, refused }) => outcomeOf(row.label, refused)));
  return { ...confusion, ...scores(confusion) };
};

/** 95% intervals from rows drawn with replacement. */
function intervals(part: readonly Judged[]) {
  const random = seededRandom(1);
  const drawn = Array.from({ length: resamples }, () =>
    figures(part.map(() => part[Math.floor(random() * part.length)]!)),
  );
  const interval = (key: 'precision' | 'recall' | 'f1' | 'f2' | 'falsePositiveRate') => {
    const sorted = drawn.map((sample) => sample[key]).sort((a, b) => a - b);
    return [sorted[Math.floor(resamples * 0.025)]!, sorted[Math.ceil(resamples * 0.975) - 1]!];
  };
  return {
    recall: interval('recall'),
    falsePositiveRate: interval('falsePositiveRate'),
    f1: interval('f1'),
    f2: interval('f2'),
  };
}

function group(key: (row: TestRow) => string) {
  const names = [...new Set(rows.map(key))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const part = judged.filter(({ row }) => key(row) === name);
      return [name, { rows: part.length, ...figures(part), interval: intervals(part) }];
    }),
  );
}

/** Precision and recall at every score, highest first. */
function curve() {
  const sorted = [...judged].sort((a, b) => b.score - a.score);
  const harmful = judged.filter(({ row }) => row.label === 'refuse').length;
  const points: { score: number; precision: number; recall: number; falsePositiveRate: number }[] = [];
  let hit = 0;
  for (const [index, { row, score }] of sorted.entries()) {
    if (row.label === 'refuse') hit++;
    if (sorted[index + 1]?.score === score) continue;
    const wrong = index + 1 - hit;
    points.push({
      score,
      precision: hit / (index + 1),
      recall: hit / harmful,
      falsePositiveRate: wrong / (judged.length - harmful),
    });
  }
  return points;
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(3));
}

const stage = (numbers: readonly number[]) => ({
  p50Ms: quantile(numbers, 0.5),
  p95Ms: quantile(numbers, 0.95),
  p99Ms: quantile(numbers, 0.99),
});

/** Recall of the plain harmful rows under each disguise, and what of the plain lawful ones is refused under it. */
async function underDisguise() {
  const plain = rows.filter(({ kind, language }) => kind === 'plain' && language === 'en');
  const found: Record<string, { recall: number; falsePositiveRate: number }> = {};
  for (const [name, disguise] of Object.entries<Disguise>({ none: (text) => text, ...disguises })) {
    const random = seededRandom(7);
    const outcomes: Outcome[] = [];
    for (const { description, label } of plain)
      outcomes.push(outcomeOf(label, (await prefilter.classify(disguise(description, random))).label === 'refuse'));
    const { recall, falsePositiveRate } = scores(countOutcomes(outcomes));
    found[name] = { recall, falsePositiveRate };
  }
  return found;
}

const points = curve();
const withinBudget = points.filter(({ falsePositiveRate }) => falsePositiveRate <= falsePositiveBudget);
const brier = judged.reduce((sum, { row, score }) => sum + (score - (row.label === 'refuse' ? 1 : 0)) ** 2, 0);
const harmful = judged.filter(({ row }) => row.label === 'refuse');
const lookAlikes = judged.filter(({ row }) => row.alarming);
const disguised = await underDisguise();
const wrong = judged.filter(({ row, refused }) => refused !== (row.label === 'refuse'));

const report = {
  rows: judged.length,
  threshold: trained.threshold,
  all: { ...figures(judged), interval: intervals(judged) },
  errorRate: wrong.length / judged.length,
  recallAtOnePercentFalsePositives: Math.max(0, ...withinBudget.map(({ recall }) => recall)),
  brier: brier / judged.length,
  categoryAccuracy:
    harmful.filter(({ row, category, refused }) => refused && row.category === category).length /
    Math.max(1, harmful.filter(({ refused }) => refused).length),
  alarmingLawful: { rows: lookAlikes.length, ...figures(lookAlikes), interval: intervals(lookAlikes) },
  lexiconAlone: figures(judged.map((one) => ({ ...one, refused: one.inLexicon }))),
  byKind: group(({ kind }) => kind),
  byCategory: group(({ category }) => category),
  byLanguage: group(({ language }) => language),
  underDisguise: disguised,
  latency: {
    lexicon: stage(judged.map(({ lexiconMs }) => lexiconMs)),
    prefilter: stage(judged.map(({ prefilterMs }) => prefilterMs)),
  },
  errors: wrong.map(({ row, score, category, refused, inLexicon }) => ({
    description: row.description,
    label: row.label,
    category: row.category,
    kind: row.kind,
    score: Number(score.toFixed(3)),
    ...(refused ? { refusedAs: category } : {}),
    ...(inLexicon ? { inLexicon } : {}),
  })),
  curve: points.map(({ score, precision, recall }) =>
    [score, precision, recall].map((value) => Number(value.toFixed(4))),
  ),
};
await mkdir(fromRoot('data', 'reports'), { recursive: true });
await writeFile(reportPath, JSON.stringify(report, null, 1) + '\n');

const { all, errorRate, recallAtOnePercentFalsePositives, alarmingLawful, underDisguise: recalls, latency } = report;
const rounded = (_key: string, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(4)) : value);
console.log(
  JSON.stringify(
    { all, errorRate, recallAtOnePercentFalsePositives, alarmingLawful, underDisguise: recalls, latency },
    rounded,
    1,
  ),
);
console.log(kinds.map((kind) => `${kind} ${report.byKind[kind]?.recall.toFixed(3)}`).join('  '));
await dispose();
execFileSync('python3', [fromRoot('training', 'bootstrap.py'), 'domain_training.safety_plots', reportPath], {
  stdio: 'inherit',
});
process.exit(0);
