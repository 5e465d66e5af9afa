import { describeMachine, type Machine } from './machine.js';
import { isMet, type Check, type Row, type Section } from './section.js';

const alternative = 'tokens, latency, growth and memory';

/** What is written as JSON; the tables and the plot are made from it. */
export interface Report {
  /** ISO 8601. */
  date: string;
  machine: Machine;
  llama_cpp: string;
  model: string;
  threads: number;
  sequences: number;
  /** Whether it only shows that everything runs. */
  quick: boolean;
  sections: Record<string, Section>;
}

/** Whole above a hundred, three digits below; text as it is. */
export function formatCell(value: string | number | undefined): string {
  if (typeof value !== 'number') return value ?? '';
  if (!Number.isFinite(value)) return '–';
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** Rows with the same columns as a Markdown table; `_per_s` in a column's name becomes `/s`. */
export function markdownTable(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map((column) => column.replace('_per_s', '/s').replaceAll('_', ' '))),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => formatCell(row[column])))),
  ].join('\n');
}

export function checksTable(checks: readonly Check[]): string {
  const withUnit = (value: number, unit: string) => [formatCell(value), unit].filter(Boolean).join(' ');
  return markdownTable(
    checks.map((check) => ({
      figure: check.what,
      measured: withUnit(check.value, check.unit),
      target: `${check.bound} ${withUnit(check.target, check.unit)}`,
      met: isMet(check) ? 'yes' : 'no',
      n: check.n,
    })),
  );
}

/** One paragraph that names the machine and what ran on it. */
export function describeRun({ date, machine, llama_cpp, model, threads, sequences, quick }: Report): string {
  const run = `${describeMachine(machine)}; llama.cpp ${llama_cpp}, model ${model}, CPU only, ${threads} threads, ${sequences} sequences unless a table says otherwise; ${date.slice(0, 10)}.`;
  return quick ? `${run} A quick run, which shows that everything works: the figures are worth nothing.` : run;
}

export function markdownReport(report: Report, plot: string): string {
  const sections = Object.values(report.sections);
  return (
    [
      '# Benchmark',
      describeRun(report),
      checksTable(sections.flatMap(({ checks }) => checks)),
      `![${alternative}](${plot})`,
      ...sections.flatMap(({ title, notes, tables }) => [
        `## ${title}`,
        ...notes,
        ...Object.values(tables).map((rows) => markdownTable(rows)),
      ]),
    ].join('\n\n') + '\n'
  );
}

/** Puts the targets' table and the plot where the README has `<!-- bench -->`; without those marks it stays as it is. */
export function withBenchmark(readme: string, report: Report, results: string): string {
  const checks = Object.values(report.sections).flatMap((section) => section.checks);
  const text = [
    `${describeRun(report)} [All figures](${results}.md)`,
    checksTable(checks),
    `![${alternative}](${results}.svg)`,
  ].join('\n\n');
  return readme.replace(
    /(<!-- bench -->\n)[^]*?(\n<!-- \/bench -->)/,
    (_all, open: string, close: string) => `${open}${text}${close}`,
  );
}
