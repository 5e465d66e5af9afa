import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { documentPath, withTables } from '../../deploy/scaling.js';
import { exponential, logNormal, simulate } from '../../deploy/simulate.js';
import { seededRandom } from '../../src/engine/random.js';

/** Chance that an arrival waits in an M/M/c queue with `load` erlangs offered (Erlang C). */
function erlangC(servers: number, load: number): number {
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (load * blocked) / (n + load * blocked);
  return blocked / (1 - (load / servers) * (1 - blocked));
}

/** Chance that an arrival is turned away where `servers` and `places` to wait are taken (M/M/c/K). */
function fullMMcK(servers: number, places: number, load: number): number {
  const weights = [1];
  for (let n = 1; n <= servers + places; n++) weights.push((weights[n - 1]! * load) / Math.min(n, servers));
  return weights.at(-1)! / weights.reduce((sum, weight) => sum + weight, 0);
}

const isNear = (t: Test, found: number, wanted: number, tolerance: number, what: string) =>
  t.ok(Math.abs(found / wanted - 1) < tolerance, `${what}: ${found.toFixed(4)}, by the formula ${wanted.toFixed(4)}`);

t.test('waiting is what Erlang’s formula says', async (t) => {
  for (const [slots, utilization] of [
    [1, 0.7],
    [2, 0.8],
    [8, 0.9],
  ] as const) {
    const load = slots * utilization;
    const { meanWait, waited } = simulate({
      arrivalRate: load,
      serviceTime: exponential(1),
      replicas: 1,
      slots,
      requests: 200_000,
      seed: 1,
    });
    const chance = erlangC(slots, load);
    isNear(t, waited, chance, 0.05, `share that waits, ${slots} slots at ${utilization}`);
    isNear(t, meanWait, chance / (slots - load), 0.1, `mean wait, ${slots} slots at ${utilization}`);
  }
});

t.test('a full queue turns away as M/M/c/K says', async (t) => {
  const { turnedAway } = simulate({
    arrivalRate: 2,
    serviceTime: exponential(1),
    replicas: 1,
    slots: 2,
    queueLimit: 5,
    requests: 100_000,
    seed: 2,
  });
  isNear(t, turnedAway, fullMMcK(2, 5, 2), 0.05, 'share that is turned away');
});

t.test('random balancing is many queues, the less busy of two waits less', async (t) => {
  const fleet = { arrivalRate: 70, serviceTime: exponential(1), replicas: 100, requests: 100_000, seed: 3 };
  const random = simulate({ ...fleet, balancing: 'random', warmUp: 20_000 });
  const twoChoices = simulate({ ...fleet, balancing: 'two-choices', warmUp: 20_000 });
  isNear(t, random.meanWait, erlangC(1, 0.7) / 0.3, 0.1, 'mean wait of one of the queues');
  t.ok(twoChoices.meanWait < random.meanWait / 2);
});

t.test('what the cache answers takes no slot, and nobody is answered after the deadline', async (t) => {
  const { latencies, givenUp } = simulate({
    arrivalRate: 3,
    serviceTime: exponential(1),
    replicas: 1,
    deadline: 4,
    hitRate: 0.5,
    hitTime: 0.01,
    requests: 20_000,
    seed: 4,
  });
  t.ok(latencies.at(-1)! <= 4);
  t.ok(givenUp > 0.1);
  t.ok(latencies.filter((seconds) => seconds === 0.01).length > 0.45 * 18_000);
});

t.test('the log-normal has the percentiles that it was given', async (t) => {
  const random = seededRandom(5);
  const draw = logNormal({ p50: 0.96, p95: 1.08 });
  const times = Array.from({ length: 20_000 }, () => draw(random)).sort((a, b) => a - b);
  isNear(t, times[10_000]!, 0.96, 0.01, 'p50');
  isNear(t, times[19_000]!, 1.08, 0.01, 'p95');
});

t.test('the same seed gives the same outcome', async (t) => {
  const fleet = { arrivalRate: 8, serviceTime: exponential(1), replicas: 10, requests: 5000, seed: 6 };
  t.same(simulate(fleet), simulate(fleet));
  t.not(simulate(fleet).meanWait, simulate({ ...fleet, seed: 7 }).meanWait);
});

t.test('SCALING.md shows the tables that figures.ts gives (else: npm run scaling)', async (t) => {
  const document = await readFile(documentPath, 'utf8');
  t.equal(document, withTables(document));
});
