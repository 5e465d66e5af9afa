import { closedLoop } from './closed-loop.js';
import type { BenchContext } from './context.js';
import { inTurn, textOfLength } from './descriptions.js';
import type { Check, Section } from './section.js';
import { suggest, withService } from './service-process.js';
import { latencyColumns, median, worstGrowth } from './statistics.js';

/** 1 is linear; what is above it is for the noise of a measurement. */
const targetFactor = 1.15;
const stages = ['prefilter', 'recall', 'generate', 'rank'] as const;
/** The service gives whole milliseconds; less is counted as one. */
const shortestTimingMs = 1;

/** How the cost of a request grows with the clients that ask at once and with the length of what they write. */
export async function measureGrowth(context: BenchContext): Promise<Section> {
  const { threads, sequences } = context;
  return withService({ threads, sequences }, async ({ url }) => {
    const clients = await overClients(context, url);
    const characters = await overLengths(context, url);
    return {
      title: 'Cost as work grows',
      notes: [
        'Uncached. Growth is the factor by which p50 grows from one line to the next, over the factor by which the work does: 1 is linear, less is better.',
        'Lengths: one client, texts of exactly so many characters made of descriptions of the test set; those that were refused are left out.',
      ],
      tables: { clients, characters },
      checks: [
        check(
          'worst growth of p50 over clients',
          clients.map(({ clients: size, p50_ms }) => ({ size, cost: p50_ms })),
          clients,
        ),
        check(
          'worst growth of p50 over characters',
          characters.map(({ characters: size, p50_ms }) => ({ size, cost: p50_ms })),
          characters,
        ),
        ...stages.map((stage) =>
          check(
            `growth of ${stage} from the shortest text to the longest`,
            [characters[0]!, characters.at(-1)!].map((row) => ({
              size: row.characters,
              cost: Math.max(shortestTimingMs, row[`${stage}_p50_ms`]),
            })),
            characters,
          ),
        ),
      ],
    };
  });
}

function check(what: string, points: { size: number; cost: number }[], rows: readonly { n_requests: number }[]): Check {
  const n = `${Math.min(...rows.map(({ n_requests }) => n_requests))} requests or more a line`;
  return { what, value: worstGrowth(points), unit: '', bound: 'at most', target: targetFactor, n };
}

async function overClients({ descriptions, sizes, log }: BenchContext, url: string) {
  const nextDescription = inTurn(descriptions.lawful);
  const rows = [];
  for (const clients of sizes.growingClients) {
    log(`growth: ${clients} clients`);
    const count = sizes.growthBesides + sizes.growthEach * clients;
    const work = (seed: number) => suggest(url, nextDescription(), seed);
    const { measured, seconds } = await closedLoop({ clients, count, work });
    const times = measured.filter(({ result }) => result.status === 'ok').map(({ ms }) => ms);
    rows.push({
      clients,
      ...latencyColumns(times),
      requests_per_s: measured.length / seconds,
      n_requests: measured.length,
    });
  }
  return rows;
}

async function overLengths({ descriptions, sizes, log }: BenchContext, url: string) {
  const rows = [];
  for (const characters of sizes.growingLengths) {
    log(`growth: ${characters} characters`);
    const { measured } = await closedLoop({
      clients: 1,
      count: sizes.requestsPerLength,
      work: (seed) => suggest(url, textOfLength(descriptions.lawful, seed, characters), seed),
    });
    const answered = measured.filter(({ result }) => result.status === 'ok');
    const stage = (name: (typeof stages)[number]) => median(answered.map(({ result }) => result.timing_ms[name] ?? 0));
    rows.push({
      characters,
      ...latencyColumns(answered.map(({ ms }) => ms)),
      prefilter_p50_ms: stage('prefilter'),
      recall_p50_ms: stage('recall'),
      generate_p50_ms: stage('generate'),
      rank_p50_ms: stage('rank'),
      n_requests: answered.length,
    });
  }
  return rows;
}
