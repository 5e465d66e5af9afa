/**
 * Latency of POST /suggest, uncached, one client: the served model, one description of the test set a request.
 *
 * Usage: npm run bench [-- --requests 40]
 * Prints percentiles in milliseconds for the whole request and for each stage, with the machine named.
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { buildApp } from '../src/app.js';
import { loadConfig } from '../src/config.js';
import { answerSchema } from '../src/http/schemas.js';
import { loadService } from '../src/service.js';
import { readTestSet } from '../training/eval/test-set.js';

const { values } = parseArgs({ options: { requests: { type: 'string', default: '40' } } });
const warmUps = 3;

/** Nearest-rank percentile of sorted numbers. */
const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;

const started = performance.now();
const config = loadConfig();
const service = await loadService({ ...config, cacheSize: 0 });
const readyMs = performance.now() - started;
const app = await buildApp({ service, deadlineMs: 120_000 });
const address = await app.listen({ host: '127.0.0.1', port: 0 });
const rows = (await readTestSet()).filter(({ label }) => label === 'allow').slice(0, warmUps + Number(values.requests));

const samples = new Map<string, number[]>();
for (const [index, { description }] of rows.entries()) {
  const from = performance.now();
  const response = await fetch(`${address}/suggest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ description }),
  });
  const { timing_ms } = answerSchema.parse(await response.json());
  const clientMs = performance.now() - from;
  if (index < warmUps) continue;
  for (const [stage, ms] of Object.entries({ client: clientMs, ...timing_ms }))
    samples.set(stage, [...(samples.get(stage) ?? []), ms ?? 0]);
}

console.log(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB; Node ${process.version}`,
);
console.log(
  `model ${service.info.version} ${service.info.quantization}, ${config.threads} threads; ready in ${Math.round(readyMs)} ms`,
);
console.table(
  Object.fromEntries(
    [...samples].map(([stage, numbers]) => {
      const sorted = [...numbers].sort((a, b) => a - b);
      const at = (share: number) => Math.round(percentile(sorted, share));
      return [stage, { n: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) }];
    }),
  ),
);
console.log(`resident memory ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`);
await app.close();
await service.dispose();
process.exit(0);
