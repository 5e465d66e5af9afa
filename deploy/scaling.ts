/**
 * The tables of SCALING.md, from figures.ts. Usage: npm run scaling
 * Writes each between its markers in SCALING.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fromRoot } from '../src/paths.js';
import { assumed, measured, published } from './figures.js';
import { logNormal, simulate, type Fleet, type Outcome } from './simulate.js';

const { offeredPerSecond, targetUtilization, hitSeconds } = assumed;
const hitRates = [0, 0.5, 0.9, 0.99];
const answerSeconds = measured.answerSeconds.p50;
const gpuAnswersPerSecond = published.gpuTokensPerSecond / assumed.tokensPerAnswer;

const whole = (value: number) => Math.ceil(value).toLocaleString('en');
const percent = (share: number) => (share === 0 ? '0' : `${(share * 100).toFixed(1)}%`);
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Replicas for the offered load, where a request that misses keeps one busy for `seconds`. */
const replicasFor = (hitRate: number, seconds: number) =>
  Math.ceil((offeredPerSecond * ((1 - hitRate) * seconds + hitRate * hitSeconds)) / targetUtilization);

/** Dollars for a million requests on machines that are paid for by the hour. */
const perMillion = (machines: number, dollarsPerHour: number) =>
  `$${((machines * dollarsPerHour * 1e6) / (offeredPerSecond * 3600)).toFixed(2)}`;

/** CPU replicas with the embedded engine, by how much the cache answers. */
export function embeddedTable(): string {
  const head = ['cache hits', 'misses/s', 'replicas', 'cores', 'nodes', 'memory', 'a million requests'];
  return table(
    head,
    hitRates.map((hitRate) => {
      const replicas = replicasFor(hitRate, answerSeconds);
      const cores = replicas * measured.coresPerReplica;
      return [
        percent(hitRate),
        whole(Math.round(offeredPerSecond * (1 - hitRate))),
        whole(replicas),
        whole(cores),
        whole(cores / assumed.coresPerNode),
        `${((replicas * measured.memoryGB) / 1000).toFixed(2)} TB`,
        perMillion(replicas, assumed.replicaPerHour),
      ];
    }),
  );
}

/** The service's guards on CPU with Mistral-7B on GPUs behind them. */
export function remoteTable(): string {
  const head = ['cache hits', 'GPUs', 'tokens/s', 'service replicas', 'a million requests: GPUs', 'service'];
  return table(
    head,
    hitRates.map((hitRate) => {
      const missesPerSecond = offeredPerSecond * (1 - hitRate);
      const gpus = Math.ceil(missesPerSecond / gpuAnswersPerSecond / targetUtilization);
      const replicas = replicasFor(hitRate, measured.guardSeconds);
      return [
        percent(hitRate),
        whole(gpus),
        whole(Math.round(missesPerSecond * assumed.tokensPerAnswer)),
        whole(replicas),
        perMillion(gpus, assumed.gpuPerHour),
        perMillion(replicas, assumed.replicaPerHour),
      ];
    }),
  );
}

/** What stands around the replicas: Redis, network, Prometheus. */
export function surroundingsTable(): string {
  const head = ['cache hits', 'Redis operations/s', 'Redis machines', 'network', 'series', 'samples/s'];
  return table(
    head,
    hitRates.map((hitRate) => {
      // One script of the rate limiter, one GET, and a SET for each miss.
      const operations = offeredPerSecond * (2 + (1 - hitRate));
      const bits = offeredPerSecond * (measured.requestBytes + measured.answerBytes) * 8;
      const series = replicasFor(hitRate, answerSeconds) * measured.seriesPerReplica;
      return [
        percent(hitRate),
        whole(Math.round(operations)),
        whole(operations / published.redisOperationsPerSecond / targetUtilization),
        `${Math.round(bits / 1e6)} Mbit/s`,
        whole(series),
        whole(series / assumed.scrapeSeconds),
      ];
    }),
  );
}

const serviceTime = logNormal(measured.answerSeconds);
const deadline = 15;
const seed = 7;
/** A tenth of the load on a tenth of the replicas waits as the whole does, and takes a tenth of the time to simulate. */
const fleetScale = 10;

function latencyCells({ latencies, turnedAway, givenUp }: Outcome): string[] {
  const at = (share: number) => latencies[Math.max(0, Math.ceil(share * latencies.length) - 1)] ?? NaN;
  return [...[0.5, 0.95, 0.99].map((share) => at(share).toFixed(2)), percent(turnedAway), percent(givenUp)];
}
const latencyHead = ['p50, s', 'p95, s', 'p99, s', '503', '504'];

/** One replica under more and more load, with the queue limit of config.ts and with that of the manifests. */
export function replicaTable(): string {
  const rows = [0.5, 0.7, 0.8, 0.9, 1, 1.2].flatMap((load) =>
    [64, 12].map((queueLimit) => {
      const fleet: Fleet = {
        arrivalRate: load / answerSeconds,
        serviceTime,
        replicas: 1,
        queueLimit,
        deadline,
        requests: 60_000,
        seed,
      };
      return [percent(load), String(queueLimit), ...latencyCells(simulate(fleet))];
    }),
  );
  return table(['offered, of what it can', 'queue limit', ...latencyHead], rows);
}

/** The whole load on the replicas of the first table, which are found at random or by the less busy of two. */
export function fleetTable(): string {
  const rows = hitRates.flatMap((hitRate) =>
    (['random', 'two-choices'] as const).map((balancing) => {
      const replicas = replicasFor(hitRate, answerSeconds);
      const outcome = simulate({
        arrivalRate: offeredPerSecond / fleetScale,
        serviceTime,
        replicas: Math.round(replicas / fleetScale),
        queueLimit: 12,
        deadline,
        hitRate,
        hitTime: hitSeconds,
        balancing,
        requests: 120_000,
        warmUp: 40_000,
        seed,
      });
      return [percent(hitRate), whole(replicas), balancing.replace('-', ' '), ...latencyCells(outcome)];
    }),
  );
  return table(['cache hits', 'replicas', 'balancing', ...latencyHead], rows);
}

export const tables = {
  embedded: embeddedTable,
  remote: remoteTable,
  surroundings: surroundingsTable,
  replica: replicaTable,
  fleet: fleetTable,
};

/** SCALING.md with its tables made anew. */
export function withTables(document: string): string {
  return Object.entries(tables).reduce((text, [name, make]) => {
    const between = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
    return text.replace(between, (_all, open: string, close: string) => `${open}\n${make()}\n\n${close}`);
  }, document);
}

export const documentPath = fromRoot('deploy', 'SCALING.md');

if (process.argv[1] === fromRoot('dist', 'deploy', 'scaling.js'))
  await writeFile(documentPath, withTables(await readFile(documentPath, 'utf8')));
