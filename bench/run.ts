/**
 * Measures the engine and the service on this machine against llama.cpp's own server on the same model.
 *
 * Usage: npm run bench [-- PART …] [-- --quick] [-- --out NAME]
 * Parts: engine http cached refusals startup growth; all of them unless some are named.
 * Writes bench/results/NAME.json, .md and .svg. NAME is `latest` for a run of all parts, which the README shows, and
 * `trial` for any other. `--quick` only shows that everything runs.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { ConfigError, loadConfig } from '../src/config.js';
import { loadLlama } from '../src/engine/llama.js';
import { resolveModel } from '../src/models.js';
import { fromRoot } from '../src/paths.js';
import { measureCached } from './cached.js';
import type { BenchContext } from './context.js';
import { readDescriptions } from './descriptions.js';
import { measureEngine } from './engine.js';
import { measureGrowth } from './growth.js';
import { measureHttp } from './http.js';
import { buildLlamaCpp } from './llama-cpp.js';
import { describeMachine, thisMachine } from './machine.js';
import { measureRefusals } from './refusals.js';
import { checksTable, markdownReport, withBenchmark, type Report } from './report.js';
import type { Section } from './section.js';
import { fullSizes, quickSizes } from './sizes.js';
import { measureStartup } from './startup.js';

const parts: Record<string, (context: BenchContext) => Promise<Section>> = {
  engine: measureEngine,
  http: measureHttp,
  cached: measureCached,
  refusals: measureRefusals,
  startup: measureStartup,
  growth: measureGrowth,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } },
  });
  const unknown = positionals.find((name) => !(name in parts));
  if (unknown !== undefined)
    throw new ConfigError(`${JSON.stringify(unknown)} is no part; there are ${Object.keys(parts).join(', ')}`);
  const chosen = positionals.length > 0 ? positionals : Object.keys(parts);
  const isWhole = chosen.length === Object.keys(parts).length && !values.quick;
  const out = values.out ?? (isWhole ? 'latest' : 'trial');

  const config = loadConfig();
  const model = await resolveModel(config.model);
  const { threads, sequences } = config;
  const machine = thisMachine();
  console.error(describeMachine(machine));
  const context: BenchContext = {
    binFolder: await buildLlamaCpp(),
    model,
    threads,
    sequences,
    descriptions: await readDescriptions(),
    sizes: values.quick ? quickSizes : fullSizes,
    log: (line) => console.error(line),
  };

  const report: Report = {
    date: new Date().toISOString(),
    machine,
    llama_cpp: await servingRelease(),
    model: `${model.version} ${model.quantization}`,
    threads,
    sequences,
    quick: values.quick,
    sections: {},
  };
  const path = (extension: string) => fromRoot('bench', 'results', `${out}.${extension}`);
  await mkdir(fromRoot('bench', 'results'), { recursive: true });
  for (const name of chosen) {
    const section = await parts[name]!(context);
    report.sections[name] = section;
    // After each part: an hour's figures are not lost to the last part's failure.
    await writeFile(path('json'), JSON.stringify(report, null, 1) + '\n');
    console.log(`\n${section.title}`);
    for (const rows of Object.values(section.tables)) console.table(rows);
  }
  await writeFile(path('md'), markdownReport(report, `${out}.svg`));
  if (out === 'latest') {
    const readme = await readFile(fromRoot('README.md'), 'utf8');
    await writeFile(fromRoot('README.md'), withBenchmark(readme, report, `bench/results/${out}`));
  }
  console.log(`\n${checksTable(Object.values(report.sections).flatMap(({ checks }) => checks))}`);
  const drawing = [fromRoot('training', 'bootstrap.py'), 'domain_training.bench_plot', path('json')];
  execFileSync('python3', drawing, { stdio: 'inherit' });
}

/** The llama.cpp release that node-llama-cpp serves with. */
async function servingRelease(): Promise<string> {
  const llama = await loadLlama();
  const { release } = llama.llamaCppRelease;
  await llama.dispose();
  return release;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
