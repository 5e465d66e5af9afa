import type { BenchContext } from './context.js';
import type { Section } from './section.js';
import { suggest, withService } from './service-process.js';
import { latencyColumns, median } from './statistics.js';

const targetMs = 15;
const warmUps = 3;

/** How long a refusal by the prefilter takes, one client, each description once. */
export async function measureRefusals(context: BenchContext): Promise<Section> {
  const { threads, sequences, descriptions, sizes, log } = context;
  log('refusals');
  const times: number[] = [];
  await withService({ threads, sequences }, async ({ url }) => {
    let refusals = 0;
    for (const [seed, description] of descriptions.harmful.entries()) {
      if (times.length >= sizes.refusals) break;
      const from = performance.now();
      const answer = await suggest(url, description, seed);
      const ms = performance.now() - from;
      if (answer.status !== 'refused' || answer.refusal.stage !== 'prefilter') continue;
      if (++refusals > warmUps) times.push(ms);
    }
  });
  return {
    title: 'Refusals',
    notes: ['Harmful descriptions of the test set that the prefilter refuses, one client, each once, over HTTP.'],
    tables: { refusals: [{ ...latencyColumns(times), n_refusals: times.length }] },
    checks: [
      {
        what: 'p50 of a refusal, 1 client',
        value: median(times),
        unit: 'ms',
        bound: 'at most',
        target: targetMs,
        n: `${times.length} refusals`,
      },
    ],
  };
}
