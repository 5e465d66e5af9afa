import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { dot, type Embedder } from '../../src/engine/embedder.js';
import { Metric, MetricEmbedder } from '../../src/suggest/metric.js';

const unit = (...values: number[]) => {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
};
/** Two businesses, each told twice: the last axis is the register, the first two are what they do. */
const bakeryPlain = unit(1, 0, 0.6);
const bakeryStiff = unit(1, 0, -0.6);
const garagePlain = unit(0, 1, 0.6);
const garageStiff = unit(0, 1, -0.6);
const metric = Metric.fit([bakeryPlain, bakeryStiff, garagePlain, garageStiff], [0, 0, 1, 1]);

t.test('what differs within a business counts for less than what differs between them', async (t) => {
  const [plain, stiff, other] = [bakeryPlain, bakeryStiff, garagePlain].map((vector) => metric.apply(vector));
  t.ok(dot(bakeryPlain, bakeryStiff) < 0.5);
  t.ok(dot(plain!, stiff!) > 0.95);
  t.ok(dot(plain!, other!) < dot(bakeryPlain, garagePlain));
  t.ok(Math.abs(dot(plain!, plain!) - 1) < 1e-5, 'unit length');
});

t.test('without a business told twice nothing changes', async (t) => {
  const same = Metric.fit([bakeryPlain, garagePlain], [0, 1]).apply(bakeryPlain);
  t.ok(dot(same, bakeryPlain) > 0.9999);
});

t.test('it outlives the process, and a file of another size is refused', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'metric-'));
  await writeFile(join(folder, 'metric.bin'), metric.toBytes());
  t.same((await Metric.load(folder, 3)).apply(bakeryStiff), metric.apply(bakeryStiff));
  await t.rejects(Metric.load(folder, 4), /4 dimensions/);
});

t.test('an embedder under a metric gives mapped vectors', async (t) => {
  const plain: Embedder = {
    dimensions: 3,
    embed: async () => bakeryStiff,
    embedAll: async function* () {
      yield bakeryStiff;
    },
    dispose: async () => {},
  };
  const embedder = new MetricEmbedder(plain, metric);
  t.equal(embedder.dimensions, 3);
  t.same(await embedder.embed('x'), metric.apply(bakeryStiff));
});
