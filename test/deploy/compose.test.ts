import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { fromRoot } from '../../src/paths.js';
import { settingNames } from './settings.js';
import { checkers, deployed, readYaml, run } from './tools.js';

const path = deployed('compose.yaml');
const serviceSchema = z.object({
  image: z.string(),
  build: z.object({ context: z.string() }).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  read_only: z.boolean(),
  security_opt: z.array(z.string()),
  cap_drop: z.array(z.string()),
  stop_grace_period: z.string().optional(),
  healthcheck: z.unknown().optional(),
});
const { services } = z.object({ services: z.record(z.string(), serviceSchema) }).parse((await readYaml(path))[0]);
const service = services['service']!;

t.test('compose.yaml follows the Compose specification', async (t) => {
  const { code, output } = await run(
    join(await checkers(), 'check-jsonschema'),
    '--builtin-schema',
    'vendor.compose-spec',
    path,
  );
  t.equal(code, 0, output);
});

t.test('every container is hardened, pinned and watched, and listens on this machine alone', async (t) => {
  t.same(Object.keys(services), ['service', 'redis', 'prometheus', 'grafana']);
  const hasImageCheck = (await readFile(fromRoot('Dockerfile'), 'utf8')).includes('HEALTHCHECK');
  for (const [name, container] of Object.entries(services)) {
    t.ok(container.read_only, `${name} has a read-only root`);
    t.same(container.security_opt, ['no-new-privileges:true'], name);
    t.same(container.cap_drop, ['ALL'], name);
    t.match(container.image, /^[a-z/.]+:v?\d+\.\d+\.\d+(-alpine)?$/, `${name} is pinned`);
    t.ok(container.healthcheck ?? (name === 'service' && hasImageCheck), `${name} has a health check`);
    for (const port of container.ports) t.match(port, /^127\.0\.0\.1:/);
  }
});

t.test('what is mounted and built exists', async (t) => {
  for (const container of Object.values(services))
    for (const [from = ''] of container.volumes.map((volume) => volume.split(':')))
      if (from.startsWith('.')) t.ok(existsSync(deployed(from)), from);
  t.ok(existsSync(resolve(deployed(), service.build!.context, 'Dockerfile')));
});

t.test('the service is given settings that it knows, and time to drain', async (t) => {
  for (const name of Object.keys(service.environment)) t.ok(settingNames.has(name), name);
  t.ok(Number.parseInt(service.stop_grace_period!) * 1000 > Number(service.environment['DRAIN_MS']));
});

t.test('Prometheus looks for the service where it is', async (t) => {
  const lookUpSchema = z.object({ names: z.tuple([z.string()]), port: z.number() });
  const { scrape_configs } = z
    .object({ scrape_configs: z.tuple([z.object({ dns_sd_configs: z.tuple([lookUpSchema]) })]) })
    .parse((await readYaml(deployed('prometheus', 'prometheus.yml')))[0]);
  const [{ names, port }] = scrape_configs[0].dns_sd_configs;
  t.ok(services[names[0]]);
  t.match(await readFile(fromRoot('Dockerfile'), 'utf8'), `EXPOSE ${port}`);
});

t.test('Grafana finds its data source and its dashboard', async (t) => {
  const sources = z
    .object({ datasources: z.array(z.object({ uid: z.string(), url: z.string() })) })
    .parse((await readYaml(deployed('grafana', 'provisioning', 'datasources', 'prometheus.yaml')))[0]);
  t.same(sources.datasources, [{ uid: 'prometheus', url: 'http://prometheus:9090' }]);
  const { providers } = z
    .object({ providers: z.array(z.object({ options: z.object({ path: z.string() }) })) })
    .parse((await readYaml(deployed('grafana', 'provisioning', 'dashboards', 'dashboards.yaml')))[0]);
  const mount = services['grafana']!.volumes.find((volume) => volume.split(':')[1] === providers[0]!.options.path)!;
  t.ok(existsSync(deployed(mount.split(':')[0]!, 'service.json')));
});
