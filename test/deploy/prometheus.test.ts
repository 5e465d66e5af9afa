import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { z } from 'zod';
import { measured } from '../../deploy/figures.js';
import { buildApp } from '../../src/app.js';
import { loadTestService } from '../support.js';
import { deployed, readYaml, run } from './tools.js';

const folder = (...parts: string[]) => deployed('prometheus', ...parts);

t.test('promtool accepts the configuration and the rules', async (t) => {
  for (const args of [
    ['check', 'config', folder('prometheus.yml')],
    ['check', 'rules', folder('alerts.yml')],
  ]) {
    const { code, output } = await run('promtool', ...args);
    t.equal(code, 0, output);
  }
});

t.test('every alert fires when it should, and not before', async (t) => {
  const { code, output } = await run('promtool', 'test', 'rules', folder('alerts_test.yml'));
  t.equal(code, 0, output);
  const tested = await readFile(folder('alerts_test.yml'), 'utf8');
  for (const { alert } of rules) t.ok(tested.includes(`alertname: ${alert}`), alert);
});

const ruleSchema = z.object({ alert: z.string(), expr: z.string(), labels: z.object({ severity: z.string() }) });
const { groups } = z
  .object({ groups: z.array(z.object({ rules: z.array(ruleSchema) })) })
  .parse((await readYaml(folder('alerts.yml')))[0]);
const rules = groups.flatMap(({ rules }) => rules);

const panelSchema = z.object({
  title: z.string(),
  type: z.string(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  targets: z.array(z.object({ expr: z.string(), datasource: z.object({ uid: z.string() }) })).default([]),
});
const { panels, annotations, templating } = z
  .object({
    panels: z.array(panelSchema),
    annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
    templating: z.object({ list: z.array(z.object({ query: z.object({ query: z.string() }) })) }),
  })
  .parse(JSON.parse(await readFile(deployed('grafana', 'dashboards', 'service.json'), 'utf8')));

/** A panel's expression as Grafana would ask it. */
const asked = (expr: string) =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', 'domain-suggest').replaceAll('$instance', '.*');
const [adapter] = await readYaml(deployed('kubernetes', 'monitoring', 'prometheus-adapter-values.yaml'));
const adapterRules = z
  .object({ rules: z.object({ custom: z.array(z.object({ seriesQuery: z.string(), metricsQuery: z.string() })) }) })
  .parse(adapter).rules.custom;
const adapterExpressions = adapterRules.flatMap(({ seriesQuery, metricsQuery }) => [
  seriesQuery,
  metricsQuery
    .replaceAll('<<.GroupBy>>', 'pod')
    .replaceAll('<<.Series>>', seriesQuery.split('{')[0]!)
    .replaceAll('<<.LabelMatchers>>', 'namespace="a",pod=~"b"'),
]);
const expressions = [
  ...rules.map(({ expr }) => expr),
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => asked(expr))),
  ...annotations.list.map(({ expr }) => asked(expr)),
  ...templating.list.map(({ query }) => asked(/label_values\((.*), \w+\)/.exec(query.query)![1]!)),
  ...adapterExpressions,
];

const grouping = /\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;

/** Names of metrics in a PromQL expression. */
function metricsIn(expr: string): string[] {
  const bare = expr
    .replace(/"(?:[^"\\]|\\.)*"/g, '')
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replace(grouping, '')
    .replace(/\boffset\s+\w+/g, '');
  return [...bare.matchAll(/(?<![\w.:])[a-zA-Z_:][\w:]*(?!\w*\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !['and', 'or', 'unless', 'bool'].includes(name));
}

/** Names of labels in a PromQL expression. */
function labelsIn(expr: string): string[] {
  const grouped = [...expr.matchAll(grouping)].flatMap(([, names]) => names!.split(','));
  const matched = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, matchers]) =>
    [...matchers!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, name]) => name!),
  );
  return [...grouped, ...matched].map((name) => name.trim()).filter(Boolean);
}

const service = await loadTestService({ cacheSize: 10 });
const app = await buildApp({ service, deadlineMs: 120_000 });
app.metrics.setModel(service.info);
const address = await app.listen({ host: '127.0.0.1', port: 0 });
t.teardown(async () => {
  await app.close();
  await service.dispose();
});
const suggest = async (description: string) =>
  fetch(`${address}/suggest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ description }),
  });
const answer = await suggest('bicycle repair van in Porto');
await suggest('cocaine delivery');
const metrics = await (await fetch(`${address}/metrics`)).text();

t.test('the figures of SCALING.md hold: series of a replica, bytes of an answer', async (t) => {
  t.ok(metrics.split('\n').filter((line) => line && !line.startsWith('#')).length <= measured.seriesPerReplica);
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  t.ok(headers.length + (await answer.text()).length <= measured.answerBytes);
});

t.test('alerts, dashboard and autoscaler name only metrics and labels that there are', async (t) => {
  const types = [...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  const names = new Set([
    'up',
    'ALERTS',
    ...types.flatMap(([, name, type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name!],
    ),
  ]);
  // What Prometheus adds, and what the service's samples have.
  const labels = new Set(['job', 'instance', 'namespace', 'pod', 'alertstate', ...labelsIn(metrics)]);
  for (const expr of expressions) {
    t.ok(metricsIn(expr).length > 0, expr);
    for (const name of metricsIn(expr)) t.ok(names.has(name), `${name} in ${expr}`);
    for (const label of labelsIn(expr)) t.ok(labels.has(label), `${label} in ${expr}`);
  }
});

t.test('the dashboard shows what an operator asks for, no panel over another', async (t) => {
  const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
  for (const part of [
    'by (outcome) (rate(domain_suggest_requests_total',
    'histogram_quantile(0.5,',
    'histogram_quantile(0.95,',
    'histogram_quantile(0.99,',
    'domain_suggest_stage_duration_seconds',
    'by (category) (rate(domain_suggest_refusals_total',
    'by (stage) (rate(domain_suggest_refusals_total',
    'domain_suggest_queue_depth',
    'domain_suggest_queue_seconds_bucket',
    'domain_suggest_tokens_total',
    'by (verdict) (rate(domain_suggest_candidates_total',
    'domain_suggest_cache_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ])
    t.ok(shown.includes(part), part);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );
  t.equal(new Set(cells).size, cells.length);
  for (const { targets } of panels) for (const { datasource } of targets) t.equal(datasource.uid, 'prometheus');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const sampleSchema = z.object({
  metric: z.record(z.string(), z.string()),
  value: z.tuple([z.number(), z.string()]),
});
const resultSchema = z.object({
  status: z.literal('success'),
  data: z.object({ result: z.array(sampleSchema) }),
});
const healthSchema = z.object({
  data: z.object({ groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), health: z.string() })) })) }),
});

t.test('a real Prometheus scrapes the service, answers every expression and evaluates every alert', async (t) => {
  const home = t.testdir({});
  const config = (await readYaml(folder('prometheus.yml')))[0] as {
    global: Record<string, string>;
    rule_files: string[];
    scrape_configs: Record<string, unknown>[];
  };
  config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
  config.rule_files = [folder('alerts.yml')];
  delete config.scrape_configs[0]!['dns_sd_configs'];
  config.scrape_configs[0]!['static_configs'] = [{ targets: [new URL(address).host] }];
  const path = join(home, 'prometheus.yml');
  await writeFile(path, stringify(config));
  const listen = `127.0.0.1:${await freePort()}`;
  const prometheus = spawn('prometheus', [
    `--config.file=${path}`,
    `--storage.tsdb.path=${join(home, 'data')}`,
    `--web.listen-address=${listen}`,
  ]);
  let log = '';
  prometheus.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  t.teardown(async () => {
    prometheus.kill();
    if (prometheus.exitCode === null) await once(prometheus, 'exit');
  });

  const ask = async (expr: string) => {
    const response = await fetch(`http://${listen}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`);
    return resultSchema.parse(await response.json()).data.result;
  };
  /** Asks until there is an answer that will do. */
  const until = async <Value>(attempt: () => Promise<Value>, isEnough: (value: Value) => boolean): Promise<Value> => {
    for (;;) {
      if (prometheus.exitCode !== null) throw new Error(log);
      const value = await attempt().catch(() => undefined);
      if (value !== undefined && isEnough(value)) return value;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  const requests = await until(
    () => ask('domain_suggest_requests_total'),
    (result) => result.length === 2,
  );
  const counts = Object.fromEntries(requests.map(({ metric, value }) => [metric['outcome'], value[1]]));
  t.same(counts, { ok: '1', refused: '1' });
  t.equal(requests[0]!.metric['job'], 'domain-suggest');
  for (const expr of expressions) t.ok(await ask(expr), expr);
  t.equal((await ask('domain_suggest_model_info'))[0]!.metric['version'], service.info.version);
  const evaluated = await until(
    async () => healthSchema.parse(await (await fetch(`http://${listen}/api/v1/rules`)).json()).data.groups[0]!.rules,
    (found) => found.every(({ health }) => health !== 'unknown'),
  );
  t.same(
    evaluated.map(({ name, health }) => [name, health]),
    rules.map(({ alert }) => [alert, 'ok']),
  );
});
