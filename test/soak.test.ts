import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { buildApp } from '../src/app.js';
import { answerSchema } from '../src/http/schemas.js';
import { loadTestService } from './support.js';

const requests = 200;
const clients = 8;
/** Requests before memory is first read: caches fill and the heap finds its size. */
const warmUp = 60;
const allowedGrowthMb = 60;

/** What is left after a collection is what a leak would show in; how lazily V8 collects is its own affair. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const trades = ['baker', 'plumber', 'florist', 'tailor', 'vet', 'dentist', 'tutor', 'luthier', 'welder', 'beekeeper'];
const bodies: { body: unknown; status: number; answer?: 'ok' | 'refused' }[] = Array.from(
  { length: requests },
  (_, i) => {
    if (i % 8 === 5) return { body: { description: `cocaine delivery service ${i}` }, status: 200, answer: 'refused' };
    if (i % 8 === 6) return { body: { description: i }, status: 400 };
    if (i % 8 === 7)
      return {
        body: { description: `${trades[i % 10]} number ${i}`, max_length: 8, starts_with: 'b' },
        status: 200,
        answer: 'ok',
      };
    return { body: { description: `${trades[i % 10]} in street ${i}`, count: 1 + (i % 7) }, status: 200, answer: 'ok' };
  },
);

t.test('200 mixed requests, 8 at a time: each answered once as it should be, memory flat', async (t) => {
  const service = await loadTestService({ sequences: 8 });
  const app = await buildApp({ service, deadlineMs: 120_000 });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const ids = new Set<string>();
  const wrong: string[] = [];
  let done = 0;
  let settledMb = 0;
  let next = 0;
  const residentMb = () => {
    collectGarbage();
    return process.memoryUsage().rss / 2 ** 20;
  };
  const client = async () => {
    for (let i = next++; i < requests; i = next++) {
      const { body, status, answer } = bodies[i]!;
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${address}/suggest`, { method: 'POST', headers, body: JSON.stringify(body) });
      const json: unknown = await response.json();
      if (response.status !== status) wrong.push(`${i}: ${response.status} ${JSON.stringify(json)}`);
      else if (answer) {
        const parsed = answerSchema.parse(json);
        ids.add(parsed.id);
        if (parsed.status !== answer) wrong.push(`${i}: ${parsed.status}`);
      }
      if (++done === warmUp) settledMb = residentMb();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const grownMb = residentMb() - settledMb;
  t.same(wrong, []);
  t.equal(done, requests);
  t.equal(ids.size, bodies.filter(({ answer }) => answer).length, 'no answer lost or doubled');
  t.ok(grownMb < allowedGrowthMb, `grown by ${Math.round(grownMb)} MB from ${Math.round(settledMb)} MB`);
  await app.close();
  await service.dispose();
});
