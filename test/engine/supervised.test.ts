import t from 'tap';
import { buildApp } from '../../src/app.js';
import { EmbeddedEngine } from '../../src/engine/embedded.js';
import { EngineDownError, EngineStoppedError, QueueFullError, type GenerateRequest } from '../../src/engine/engine.js';
import { loadLlama } from '../../src/engine/llama.js';
import { SupervisedEngine, type WatchedEngine } from '../../src/engine/supervised.js';
import { resolveModel } from '../../src/models.js';
import { loadParts } from '../../src/service.js';
import { CachedSuggester } from '../../src/suggest/cache.js';
import { Suggester } from '../../src/suggest/suggester.js';
import { never, testServiceConfig } from '../support.js';

const stallMs = 400;
const request: GenerateRequest = {
  prompts: ['Business: a bakery\nBrand names:\n'],
  sequences: 2,
  seed: 1,
  maxTokens: 8,
  sampling: { temperature: 0.9, topK: 60, topP: 0.95, minP: 0.02 },
  signal: never,
};
/** An engine that hangs keeps no process alive, nor does who watches it. */
const alive = setInterval(() => {}, 1000);
const model = await resolveModel('served');
const llama = await loadLlama({ gpu: false });
const load = () => EmbeddedEngine.load(llama, { modelPath: model.modelPath, sequences: 6, queueLimit: 1, threads: 2 });
t.teardown(async () => {
  clearInterval(alive);
  await llama.dispose();
});
const until = async (isTrue: () => boolean) => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** Real engines, the first of which generates as the test says from some call on. */
function failing(generate: WatchedEngine['generate'], fromCall = 1) {
  let loaded = 0;
  return async (): Promise<WatchedEngine> => {
    const engine = await load();
    if (loaded++ > 0) return engine;
    const real = engine.generate.bind(engine);
    let calls = 0;
    return Object.assign(engine, {
      generate: (asked: GenerateRequest) => (++calls >= fromCall ? generate(asked) : real(asked)),
    });
  };
}

t.test('an engine that hangs is replaced; those it had are told, and the next are answered', async (t) => {
  const states: boolean[] = [];
  const engine = await SupervisedEngine.start(
    failing(() => new Promise(() => {}), 2),
    { stallMs, onChange: (isUp) => void states.push(isUp) },
  );
  t.ok((await engine.generate(request)).lines.length > 0);
  await t.rejects(engine.generate(request), EngineDownError);
  t.notOk(engine.isUp);
  await t.rejects(engine.generate(request), EngineDownError, 'nothing waits for a new one');
  await until(() => engine.isUp);
  t.ok((await engine.generate(request)).lines.length > 0);
  t.same(states, [false, true]);
  t.equal(engine.restarts, 1);
  await engine.dispose();
  await t.rejects(engine.generate(request), EngineStoppedError);
});

t.test('an engine that throws is replaced', async (t) => {
  const engine = await SupervisedEngine.start(
    failing(() => Promise.reject(new Error('decode failed'))),
    { stallMs },
  );
  await t.rejects(engine.generate(request), EngineDownError);
  await until(() => engine.isUp);
  t.ok((await engine.generate(request)).lines.length > 0);
  await engine.dispose();
});

t.test('one that cannot be loaded at first is tried again', async (t) => {
  let loads = 0;
  const first = failing(() => Promise.reject(new Error('decode failed')));
  const engine = await SupervisedEngine.start(async () => {
    if (++loads === 2) throw new Error('no memory');
    return first();
  });
  await t.rejects(engine.generate(request), EngineDownError);
  await until(() => engine.isUp);
  t.equal(loads, 3);
  await engine.dispose();
});

t.test('a full queue, a caller who leaves and long work are no failures', async (t) => {
  const engine = await SupervisedEngine.start(load);
  const leaver = new AbortController();
  const long = { ...request, sequences: 6, maxTokens: 160 };
  const running = engine.generate(long);
  const waiting = engine.generate({ ...long, signal: leaver.signal });
  await t.rejects(engine.generate(long), QueueFullError);
  leaver.abort(new Error('gone'));
  await t.rejects(waiting, { message: 'gone' });
  t.ok((await running).lines.length > 0);
  t.ok(engine.isUp);
  t.equal(engine.restarts, 0);
  await engine.dispose();
});

t.test('the service says that it is not ready while its engine is replaced, and answers again after', async (t) => {
  const { parts, dispose } = await loadParts(model, testServiceConfig);
  const engine = await SupervisedEngine.start(
    failing(() => new Promise(() => {})),
    { stallMs },
  );
  const options = { size: 0, ttlMs: 1000, version: '' };
  const app = await buildApp({
    service: {
      info: model,
      suggester: new CachedSuggester(new Suggester({ ...parts, engine }), options, () => engine.queueDepth),
      cacheEnabled: false,
      isUp: () => engine.isUp,
      restarts: () => engine.restarts,
      downMs: () => engine.downMs,
      dispose,
    },
  });
  const ask = () => app.inject({ method: 'POST', url: '/suggest', payload: { description: 'a bakery' } });
  const lost = await ask();
  t.equal(lost.statusCode, 503);
  t.match(lost.json(), { type: 'urn:domain-yours:problem:engine-down' });
  t.ok(Number(lost.headers['retry-after']) > 0);
  t.equal((await app.inject('/readyz')).statusCode, 503);
  t.equal((await app.inject('/healthz')).statusCode, 200);
  await until(() => engine.isUp);
  t.equal((await app.inject('/readyz')).statusCode, 200);
  t.match((await ask()).json(), { status: 'ok' });
  t.match((await app.inject('/metrics')).body, /domain_suggest_engine_restarts 1\n/);
  await app.close();
  await engine.dispose();
  await dispose();
});
