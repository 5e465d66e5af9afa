import t from 'tap';
import {
  checksTable,
  formatCell,
  markdownReport,
  markdownTable,
  withBenchmark,
  type Report,
} from '../../bench/report.js';
import { isMet, type Check } from '../../bench/section.js';

const faster: Check = { what: 'tokens/s', value: 0.987654, unit: '', bound: 'at least', target: 0.9, n: '40 lists' };
const slower: Check = { what: 'refusal', value: 15.04, unit: 'ms', bound: 'at most', target: 15, n: '100 refusals' };
const report: Report = {
  date: '2026-01-02T03:04:05.000Z',
  machine: { cpu: 'A CPU', cores: 2, memory_gb: 8, platform: 'linux x64', node: 'v22.0.0' },
  llama_cpp: 'b1',
  model: 'v2 Q4_0',
  threads: 2,
  sequences: 12,
  quick: false,
  sections: {
    engine: {
      title: 'Engine',
      notes: ['How.'],
      tables: { lists: [{ parallel_lists: 8, engine_tokens_per_s: 512.34 }] },
      checks: [faster, slower],
    },
  },
};

t.test('numbers are short: whole above a hundred, three digits below, a dash for what was not measured', (t) => {
  t.same([512.34, 12.345, 0.12345, 100, 3, NaN, 'text'].map(formatCell), [
    '512',
    '12.3',
    '0.123',
    '100',
    '3',
    '–',
    'text',
  ]);
  t.end();
});

t.test('a table has the columns of its rows in words', (t) => {
  t.equal(
    markdownTable(report.sections['engine']!.tables['lists']!),
    '| parallel lists | engine tokens/s |\n| --- | --- |\n| 8 | 512 |',
  );
  t.end();
});

t.test('a target is met on its own side, the bound itself included, and never by what was not measured', (t) => {
  t.ok(isMet(faster));
  t.notOk(isMet(slower));
  t.ok(isMet({ ...slower, value: 15 }));
  t.ok(isMet({ ...faster, value: 0.9 }));
  for (const value of [NaN, Infinity]) t.notOk(isMet({ ...faster, value }));
  t.match(checksTable([faster, slower]), /\| tokens\/s \| 0\.988 \| at least 0\.9 \| yes \| 40 lists \|/);
  t.match(checksTable([faster, slower]), /\| refusal \| 15 ms \| at most 15 ms \| no \| 100 refusals \|/);
  t.end();
});

t.test('the report names the machine, and says when its figures are worth nothing', (t) => {
  const text = markdownReport(report, 'latest.svg');
  t.match(text, 'A CPU, 2 cores, 8 GB, linux x64, Node v22.0.0; llama.cpp b1, model v2 Q4_0');
  t.match(text, '![tokens, latency, growth and memory](latest.svg)');
  t.notMatch(text, 'worth nothing');
  t.match(markdownReport({ ...report, quick: true }, 'trial.svg'), 'worth nothing');
  t.end();
});

t.test('the README gets the table between its marks, every time anew, and is left alone without them', (t) => {
  const readme = 'before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n';
  const once = withBenchmark(readme, report, 'bench/results/latest');
  t.match(once, /^before\n<!-- bench -->\nA CPU[^]*\| tokens\/s \|[^]*\n<!-- \/bench -->\nafter\n$/);
  t.match(once, '[All figures](bench/results/latest.md)');
  t.match(once, '](bench/results/latest.svg)');
  t.notMatch(once, 'old');
  t.equal(withBenchmark(once, report, 'bench/results/latest'), once);
  t.equal(withBenchmark('nothing to see', report, 'x'), 'nothing to see');
  t.end();
});
