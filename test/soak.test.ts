import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { buildApp } from '../src/app.js';
import { answerSchema } from '../src/http/schemas.js';
import { loadTestService } from './support.js';

/** Minutes that it goes on for; unless set, as long as the first so many requests take. */
const minutes = Number(process.env['SOAK_MINUTES'] ?? 0);
const requests = 200;
const clients = 8;
/** Requests before memory is first read: caches fill and the heap finds its size. */
const warmUp = 60;
const allowedGrowthMb = 60;
/** Requests between two looks at memory. */
const sampledEvery = 70;
const msPerMinute = 60_000;

/** What is left after a collection is what a leak would show in; how lazily V8 collects is its own affair. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** For this file too, which the runner would end sooner. */
const timeoutMs = Math.max(1200_000, (minutes + 5) * msPerMinute);
t.setTimeout(timeoutMs);

const trades = ['baker', 'plumber', 'florist', 'tailor', 'vet', 'dentist', 'tutor', 'luthier', 'welder', 'beekeeper'];
interface Asked {
  body: unknown;
  status: number;
  answer?: 'ok' | 'refused';
}

/** The i-th request, and what should come of it. */
function asked(i: number): Asked {
  const trade = trades[i % trades.length]!;
  if (i % 8 === 5) return { body: { description: `cocaine delivery service ${i}` }, status: 200, answer: 'refused' };
  if (i % 8 === 6) return { body: { description: i }, status: 400 };
  if (i % 8 === 7) {
    const body = { description: `${trade} number ${i}`, max_length: 8, starts_with: 'b' };
    return { body, status: 200, answer: 'ok' };
  }
  return { body: { description: `${trade} in street ${i}`, count: 1 + (i % 7) }, status: 200, answer: 'ok' };
}

t.test('mixed requests, 8 at a time: each answered once as it should be, memory flat', async (t) => {
  t.setTimeout(timeoutMs);
  const service = await loadTestService({ sequences: 8 });
  const app = await buildApp({ service, deadlineMs: 120_000 });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const ids = new Set<string>();
  const wrong: string[] = [];
  const times: number[] = [];
  let done = 0;
  let expected = 0;
  let settledMb = 0;
  let mostMb = 0;
  let next = 0;
  const residentMb = () => {
    collectGarbage();
    return process.memoryUsage().rss / 2 ** 20;
  };
  const until = performance.now() + minutes * msPerMinute;
  const goesOn = () => (minutes > 0 ? performance.now() < until : next < requests);
  const client = async () => {
    while (goesOn()) {
      const i = next++;
      const { body, status, answer } = asked(i);
      if (answer) expected++;
      const sent = performance.now();
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${address}/suggest`, { method: 'POST', headers, body: JSON.stringify(body) });
      const json: unknown = await response.json();
      times.push(performance.now() - sent);
      if (response.status !== status) wrong.push(`${i}: ${response.status} ${JSON.stringify(json)}`);
      else if (answer) {
        const parsed = answerSchema.parse(json);
        ids.add(parsed.id);
        if (parsed.status !== answer) wrong.push(`${i}: ${parsed.status}`);
      }
      if (++done === warmUp) settledMb = residentMb();
      else if (done % sampledEvery === 0) mostMb = Math.max(mostMb, residentMb());
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const grownMb = residentMb() - settledMb;
  t.same(wrong, []);
  t.equal(done, minutes > 0 ? next : requests);
  t.equal(ids.size, expected, 'no answer lost or doubled');
  const sorted = times.toSorted((x, y) => x - y);
  t.comment(
    `${done} requests, ${expected} answers; ms p50 ${Math.round(sorted[done >> 1]!)}, most ${Math.round(sorted.at(-1)!)}; ` +
      `MB settled ${Math.round(settledMb)}, most ${Math.round(mostMb)}, grown by ${Math.round(grownMb)}`,
  );
  t.ok(mostMb - settledMb < allowedGrowthMb, `at most ${Math.round(mostMb)} MB on the way`);
  t.ok(grownMb < allowedGrowthMb, `grown by ${Math.round(grownMb)} MB from ${Math.round(settledMb)} MB`);
  await app.close();
  await service.dispose();
});
