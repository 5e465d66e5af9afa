import t from 'tap';
import { buildApp } from '../../src/app.js';
import { batchRowSchema, longestBatch, problemSchema, type BatchRow } from '../../src/http/schemas.js';
import { QueueFullError } from '../../src/engine/engine.js';
import { serviceAround, suggestionOf } from '../support.js';

let isFull = true;

/** Answers with a name made of the description, a long one later than a short one; some descriptions fail. */
const service = serviceAround(async ({ description }, signal) => {
  if (description === 'full' && isFull) {
    isFull = false;
    throw new QueueFullError(0);
  }
  await new Promise((resolve) => setTimeout(resolve, Math.min(50, description.length)));
  signal.throwIfAborted();
  return suggestionOf(description.replaceAll(/[^a-z]/g, '') || 'crumb');
});
const app = await buildApp({ service });
t.teardown(() => app.close());

const post = (requests: unknown, options = {}) =>
  app.inject({ method: 'POST', url: '/suggest/batch', payload: { requests, ...options } });
const rowsOf = (body: string): BatchRow[] =>
  body
    .trim()
    .split('\n')
    .map((line) => batchRowSchema.parse(JSON.parse(line)));

t.test('each request is answered once, as it is ready; a bad one spoils its own row alone', async (t) => {
  const long = 'bakery '.repeat(20);
  const response = await post([
    { description: long },
    { description: 'vet shop' },
    { description: 'ab' },
    'no object',
    { description: 'full' },
    { description: 'tailor', unknown: 1 },
  ]);
  t.equal(response.statusCode, 200);
  t.match(response.headers['content-type'], 'application/x-ndjson');
  const rows = rowsOf(response.body);
  t.same(rows.map(({ index }) => index).toSorted(), [0, 1, 2, 3, 4, 5]);
  t.same(
    rows
      .slice(-2)
      .map(({ index }) => index)
      .toSorted(),
    [0, 4],
    'the slowest come last',
  );
  const byIndex = new Map(rows.map((row) => [row.index, row]));
  t.match(byIndex.get(1), { status: 'ok', suggestions: [{ name: 'vetshop' }], model: 'v0' });
  t.match(byIndex.get(2), { status: 'error', problem: { status: 400, errors: [{ path: 'description' }] } });
  t.match(byIndex.get(3), { status: 'error', problem: { status: 400 } });
  t.match(byIndex.get(4), { status: 'ok', suggestions: [{ name: 'full' }] }, 'a full queue passes');
  t.match(byIndex.get(5), { status: 'error', problem: { status: 400 } });
});

t.test('a whole batch of the longest descriptions fits, one more does not', async (t) => {
  const description = '🍞'.repeat(1000);
  t.equal(
    rowsOf((await post(Array.from({ length: longestBatch }, () => ({ description })))).body).length,
    longestBatch,
  );
  const tooMany = await post(Array.from({ length: longestBatch + 1 }, () => ({ description: 'a bakery' })));
  t.equal(tooMany.statusCode, 400);
  problemSchema.parse(tooMany.json());
  t.equal((await post([])).statusCode, 400);
  t.equal((await post([{ description: 'a bakery' }], { extra: 1 })).statusCode, 400);
});

t.test('a row longer than a request may be spoils its own row alone, and few of its errors are told', async (t) => {
  const exclude = (length: number) => ({ description: 'a bakery', exclude: Array.from({ length }, () => '') });
  const rows = rowsOf((await post([exclude(30_000), exclude(1000), { description: 'a vet' }])).body);
  const [long, wrong, good] = rows.toSorted((a, b) => a.index - b.index);
  t.match(long, { status: 'error', problem: { status: 413 } });
  t.match(wrong, { status: 'error', problem: { status: 400 } });
  t.ok(wrong?.status === 'error' && wrong.problem.errors!.length <= 20);
  t.match(good, { status: 'ok' });
});

t.test('rows that were begun are answered while the server drains, the others are told to go elsewhere', async (t) => {
  const draining = await buildApp({ service });
  const response = draining.inject({
    method: 'POST',
    url: '/suggest/batch',
    payload: { requests: Array.from({ length: 40 }, (_, i) => ({ description: `a bakery in street number ${i}` })) },
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  draining.service.draining = true;
  const rows = rowsOf((await response).body);
  t.equal(rows.length, 40);
  t.ok(rows.some(({ status }) => status === 'ok'));
  t.ok(rows.every((row) => row.status !== 'error' || row.problem.type === 'urn:domain-yours:problem:draining'));
  t.equal(draining.service.open, 0);
  await draining.close();
});

t.test('a batch whose reader leaves ends, and holds nothing', async (t) => {
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const reader = new AbortController();
  const requests = Array.from({ length: 60 }, (_, i) => ({ description: `a bakery in street number ${i}` }));
  const response = await fetch(`${address}/suggest/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ requests }),
    signal: reader.signal,
  });
  await response.body!.getReader().read();
  t.equal(app.service.open, 1);
  reader.abort();
  while (app.service.open > 0 || app.metrics.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.match((await app.inject('/metrics')).body, 'outcome="client_gone"');
});
