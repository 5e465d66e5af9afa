import t from 'tap';
import { buildApp } from '../../src/app.js';
import { versionSchema } from '../../src/http/schemas.js';
import { loadTestService } from '../support.js';

const service = await loadTestService({ cacheSize: 10 });
const lines: string[] = [];
const app = await buildApp({
  service,
  logger: { level: 'debug', stream: { write: (line: string) => void lines.push(line) } },
});
app.metrics.setModel(service.info);
t.teardown(async () => {
  await app.close();
  await service.dispose();
});
const post = (description: string) => app.inject({ method: 'POST', url: '/suggest', payload: { description } });

t.test('health, readiness and version', async (t) => {
  t.same((await app.inject('/healthz')).json(), { status: 'ok' });
  t.same((await app.inject('/readyz')).json(), { status: 'ok' });
  t.match(versionSchema.parse((await app.inject('/version')).json()), {
    model: service.info.version,
    sha256: service.info.sha256,
  });
});

t.test('metrics count outcomes, refusals, stages, tokens, candidates and cache', async (t) => {
  await post('secretword bakery');
  await post('secretword bakery');
  await post('cocaine delivery secretword');
  await app.inject({ method: 'POST', url: '/suggest', payload: {} });
  const text = (await app.inject('/metrics')).body;
  for (const line of [
    'domain_suggest_requests_total{outcome="ok"} 2',
    'domain_suggest_requests_total{outcome="refused"} 1',
    'domain_suggest_refusals_total{stage="prefilter",category="drugs"} 1',
    'domain_suggest_cache_total{result="hit"} 1',
    'domain_suggest_in_flight 0',
    'domain_suggest_queue_depth 0',
    'domain_suggest_duration_seconds_bucket{le="0.001"}',
    'domain_suggest_stage_duration_seconds_count{stage="generate"} 1',
    'domain_suggest_queue_seconds_count 1',
    'domain_suggest_tokens_total{kind="generated"}',
    'domain_suggest_candidates_total{verdict="ok"}',
    `domain_suggest_model_info{version="${service.info.version}"`,
    'nodejs_eventloop_lag_seconds',
  ])
    t.ok(text.includes(line), line);
  t.notMatch(text, 'secretword');
});

t.test('what callers write stays out of the log', async (t) => {
  await post('secretword in a bakery');
  t.ok(lines.some((line) => line.includes('"suggested"')));
  t.notMatch(lines.join(''), 'secretword');
});

t.test('the log holds descriptions where the operator wants them', async (t) => {
  const open: string[] = [];
  const stream = { write: (line: string) => void open.push(line) };
  const verbose = await buildApp({ service, logDescriptions: true, logger: { level: 'info', stream } });
  await verbose.inject({ method: 'POST', url: '/suggest', payload: { description: 'secretword bakery' } });
  t.match(open.join(''), 'secretword');
  await verbose.close();
});

t.test('the playground and the docs are pages', async (t) => {
  t.match((await app.inject('/')).body, '<form>');
  t.match((await app.inject('/docs')).statusCode, 200);
});
