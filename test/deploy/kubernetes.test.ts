import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { z } from 'zod';
import { measured } from '../../deploy/figures.js';
import { buildApp } from '../../src/app.js';
import { parseConfig } from '../../src/config.js';
import { fromRoot } from '../../src/paths.js';
import { settingNames } from './settings.js';
import { checkers, deployed, readYaml, run } from './tools.js';

// Manifests are checked by their schemas in the first test; here they are walked freely.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Manifest = any;
type Labels = Record<string, string>;

const kustomizationSchema = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  resources: z.array(z.string()),
  configMapGenerator: z
    .array(z.strictObject({ name: z.string(), behavior: z.literal('merge').optional(), literals: z.array(z.string()) }))
    .default([]),
  images: z.array(z.strictObject({ name: z.string(), newTag: z.string() })).default([]),
});

interface Rendered {
  manifests: Manifest[];
  settings: Record<string, string>;
}

/** What a kustomization holds: its manifests, and the settings of its one ConfigMap. */
async function render(folder: string): Promise<Rendered> {
  const kustomization = kustomizationSchema.parse((await readYaml(join(folder, 'kustomization.yaml')))[0]);
  const rendered: Rendered = { manifests: [], settings: {} };
  for (const resource of kustomization.resources) {
    const path = join(folder, resource);
    if (!resource.endsWith('.yaml')) {
      const { manifests, settings } = await render(path);
      rendered.manifests.push(...manifests);
      Object.assign(rendered.settings, settings);
    } else rendered.manifests.push(...(await readYaml(path)));
  }
  for (const { name, literals } of kustomization.configMapGenerator) {
    if (name !== 'domain-suggest') throw new Error(`${dirname(folder)}: an unknown ConfigMap ${name}`);
    for (const literal of literals) {
      const at = literal.indexOf('=');
      rendered.settings[literal.slice(0, at)] = literal.slice(at + 1);
    }
  }
  return rendered;
}

const kubernetes = (...parts: string[]) => deployed('kubernetes', ...parts);
const base = await render(kubernetes('base'));
const vllm = await render(kubernetes('overlays', 'vllm'));
const ray = await render(kubernetes('overlays', 'ray-serve'));
const monitoring = await render(kubernetes('monitoring'));
const all = Object.entries({ base, vllm, ray, monitoring });

const find = ({ manifests }: Rendered, kind: string, name: string): Manifest =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);

/** The templates of pods in a rendering. RayService holds one for its head and one for each group of workers. */
function podTemplates({ manifests }: Rendered): Manifest[] {
  return manifests.flatMap(({ kind, spec }) => {
    if (kind === 'Deployment' || kind === 'Job') return [spec.template];
    if (kind !== 'RayService') return [];
    const { headGroupSpec, workerGroupSpecs } = spec.rayClusterConfig;
    return [headGroupSpec.template, ...workerGroupSpecs.map((group: Manifest) => group.template)];
  });
}
const isSelected = (selector: Labels, labels: Labels = {}) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

const metadataSchema = z.strictObject({ name: z.string(), labels: z.record(z.string(), z.string()).optional() });
const rayStartParams = z.record(z.string(), z.string());
/** As KubeRay's CRD has it, without what is not used here; the templates are checked as Kubernetes' own. */
const rayServiceSchema = z.strictObject({
  apiVersion: z.literal('ray.io/v1'),
  kind: z.literal('RayService'),
  metadata: metadataSchema,
  spec: z.strictObject({
    serveConfigV2: z.string(),
    rayClusterConfig: z.strictObject({
      rayVersion: z.string(),
      enableInTreeAutoscaling: z.boolean(),
      headGroupSpec: z.strictObject({ rayStartParams, template: z.unknown() }),
      workerGroupSpecs: z.array(
        z.strictObject({
          groupName: z.string(),
          replicas: z.int(),
          minReplicas: z.int(),
          maxReplicas: z.int(),
          rayStartParams,
          template: z.unknown(),
        }),
      ),
    }),
  }),
});
/** As the Prometheus operator's CRD has it, without what is not used here. */
const serviceMonitorSchema = z.strictObject({
  apiVersion: z.literal('monitoring.coreos.com/v1'),
  kind: z.literal('ServiceMonitor'),
  metadata: metadataSchema,
  spec: z.strictObject({
    selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
    endpoints: z.array(
      z.strictObject({
        port: z.string(),
        path: z.string(),
        interval: z.string(),
        relabelings: z.array(
          z.strictObject({ action: z.literal('replace'), targetLabel: z.string(), replacement: z.string() }),
        ),
      }),
    ),
  }),
});
const customSchemas: Record<string, z.ZodType> = { RayService: rayServiceSchema, ServiceMonitor: serviceMonitorSchema };

t.test('every manifest is valid, unknown fields included', async (t) => {
  const validate = join(await checkers(), 'kubernetes-validate');
  const folder = t.testdir({});
  const check = async (name: string, manifests: Manifest[]) => {
    const path = join(folder, `${name}.yaml`);
    // As JSON, which every reader of YAML takes alike.
    await writeFile(path, manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n'));
    return run(validate, '--strict', path);
  };
  for (const [name, rendered] of all) {
    const own = rendered.manifests.filter(({ kind }) => !customSchemas[kind as string]);
    for (const manifest of rendered.manifests) customSchemas[manifest.kind as string]?.parse(manifest);
    const templates = podTemplates(rendered).map((template, index) => ({
      apiVersion: 'v1',
      kind: 'PodTemplate',
      metadata: { name: `template-${index}` },
      template,
    }));
    if (own.length === 0) continue;
    const { code, output } = await check(name, [...own, ...templates]);
    t.equal(code, 0, output);
    t.notMatch(output, "Couldn't find schema");
  }
  const wrong = structuredClone(find(base, 'Deployment', 'domain-suggest'));
  wrong.spec.template.spec.containers[0].readinesProbe = {};
  t.not((await check('wrong', [wrong])).code, 0, 'a misspelt field is found');
});

t.test('Services, budgets and policies select pods that there are, and ports that these have', async (t) => {
  for (const [name, rendered] of all) {
    const templates = podTemplates(rendered);
    const selected = (selector: Labels) =>
      templates.filter(({ metadata }) => isSelected(selector, metadata?.labels as Labels));
    for (const { kind, metadata, spec } of rendered.manifests) {
      const what = `${kind} ${metadata.name} of ${name}`;
      if (kind === 'Deployment')
        t.ok(isSelected(spec.selector.matchLabels as Labels, spec.template.metadata.labels as Labels), what);
      if (kind === 'PodDisruptionBudget') t.equal(selected(spec.selector.matchLabels).length, 1, what);
      if (kind === 'NetworkPolicy') t.ok(selected(spec.podSelector.matchLabels).length > 0, what);
      if (kind !== 'Service') continue;
      const [pod, ...others] = selected(spec.selector);
      t.ok(pod && others.length === 0, what);
      const names = pod.spec.containers.flatMap(({ ports }: Manifest) => ports.map((port: Manifest) => port.name));
      for (const { targetPort } of spec.ports) t.ok(names.includes(targetPort), `${targetPort} in ${what}`);
    }
  }
});

t.test('settings are known and valid, and the pod agrees with them', async (t) => {
  for (const [name, { settings }] of all)
    for (const key of Object.keys(settings)) t.ok(settingNames.has(key), `${key} of ${name}`);
  const config = parseConfig(base.settings);
  const { spec } = find(base, 'Deployment', 'domain-suggest').spec.template;
  const [container] = spec.containers;
  t.equal(container.ports[0].containerPort, config.port);
  t.equal(config.host, '0.0.0.0');
  t.equal(Number(container.resources.requests.cpu), config.threads);
  t.same(container.resources.requests, container.resources.limits);
  t.ok(Number.parseInt(container.resources.limits.memory) * 2 ** 20 > measured.memoryGB * 1e9);
  const grace = spec.terminationGracePeriodSeconds - container.lifecycle.preStop.sleep.seconds;
  t.ok(grace * 1000 > config.drainMs, 'the grace period covers the wait, the drain and more');
  const mounted = container.volumeMounts.map(({ mountPath }: Manifest) => mountPath);
  t.ok(mounted.includes(dirname(base.settings['API_KEYS_FILE']!)));
  t.match(await readFile(deployed('README.md'), 'utf8'), spec.volumes[1].secret.secretName);
  t.ok(config.queueLimit * measured.answerSeconds.p50 < config.deadlineMs / 1000, 'who waits can be answered in time');
});

t.test('probes ask routes that there are', async (t) => {
  const app = await buildApp();
  const [container] = find(base, 'Deployment', 'domain-suggest').spec.template.spec.containers;
  const paths = ['startupProbe', 'readinessProbe', 'livenessProbe'].map((probe) => container[probe].httpGet.path);
  t.same(paths, ['/readyz', '/readyz', '/healthz']);
  for (const url of [...paths, monitoring.manifests[0].spec.endpoints[0].path])
    t.ok(app.hasRoute({ method: 'GET', url }), url);
  t.match(await readFile(fromRoot('Dockerfile'), 'utf8'), 'USER node');
  await app.close();
});

t.test('pods hold no rights that they do not need', async (t) => {
  for (const [name, rendered] of all)
    for (const { spec } of podTemplates(rendered)) {
      t.equal(spec.securityContext.seccompProfile.type, 'RuntimeDefault', name);
      for (const { image, securityContext, resources } of spec.containers) {
        t.equal(securityContext.allowPrivilegeEscalation, false, image);
        t.ok(resources.requests.memory && resources.limits.memory, image);
        if (image !== 'domain.yours') t.match(image, /:v?\d+\.\d+\.\d+/, 'pinned');
      }
    }
  for (const name of ['domain-suggest', 'domain-suggest-redis']) {
    const { spec } = find(base, 'Deployment', name).spec.template;
    t.equal(spec.securityContext.runAsNonRoot, true);
    t.equal(spec.containers[0].securityContext.readOnlyRootFilesystem, true);
  }
});

t.test('the autoscaler scales the service by a metric that the adapter serves', async (t) => {
  const { scaleTargetRef, metrics } = find(base, 'HorizontalPodAutoscaler', 'domain-suggest').spec;
  t.ok(find(base, scaleTargetRef.kind as string, scaleTargetRef.name as string));
  t.equal(find(base, 'Deployment', 'domain-suggest').spec.replicas, undefined, 'nobody else sets the replicas');
  const [{ pods }] = metrics;
  const [adapter] = (await readYaml(kubernetes('monitoring', 'prometheus-adapter-values.yaml'))) as Manifest[];
  t.match(pods.metric.name, new RegExp(adapter.rules.custom[0].name.matches as string));
  const app = await buildApp();
  t.match((await app.inject('/metrics')).body, `# TYPE ${pods.metric.name} gauge`);
  await app.close();
});

t.test('the monitor finds the Service, and calls it as the alerts do', async (t) => {
  const { selector, endpoints } = monitoring.manifests[0].spec;
  const { metadata, spec } = find(base, 'Service', 'domain-suggest');
  t.ok(isSelected(selector.matchLabels as Labels, metadata.labels as Labels));
  t.equal(endpoints[0].port, spec.ports[0].name);
  const [prometheus] = (await readYaml(deployed('prometheus', 'prometheus.yml'))) as Manifest[];
  t.same(endpoints[0].relabelings[0].replacement, prometheus.scrape_configs[0].job_name);
});

t.test('the service may reach the engine that it is sent to, under the name that this serves', async (t) => {
  for (const [name, rendered] of Object.entries({ vllm, ray })) {
    const { hostname, port, pathname } = new URL(rendered.settings['ENGINE_URLS']!);
    t.equal(pathname, '/v1', name);
    const service =
      find(rendered, 'Service', hostname) ?? find(rendered, 'RayService', hostname.replace(/-serve-svc$/, ''));
    t.ok(service, hostname);
    const [rule] = find(rendered, 'NetworkPolicy', 'domain-suggest-engine').spec.egress;
    t.equal(String(rule.ports[0].port), port);
    const engine = podTemplates(rendered).filter(({ metadata }) =>
      isSelected(rule.to[0].podSelector.matchLabels as Labels, metadata?.labels as Labels),
    );
    t.ok(engine.length > 0);
    t.ok(
      engine.some(({ spec }) => spec.containers[0].resources.limits['nvidia.com/gpu'] === '1'),
      'on a GPU',
    );
    const opened = engine.flatMap(({ spec }) => spec.containers[0].ports ?? []);
    t.ok(opened.some(({ containerPort }) => containerPort === Number(port)));
  }
  const [engine] = find(vllm, 'Deployment', 'mistral').spec.template.spec.containers;
  t.ok(engine.args.includes(`--served-model-name=${vllm.settings['ENGINE_MODEL']}`));
  const serve = parse(find(ray, 'RayService', 'mistral').spec.serveConfigV2 as string);
  const [application] = serve.applications;
  t.equal(application.import_path, 'ray.serve.llm:build_openai_app');
  t.equal(application.args.llm_configs[0].model_loading_config.model_id, ray.settings['ENGINE_MODEL']);
});
