import { join } from 'node:path';
import t from 'tap';
import { buildApp, type AppOptions } from '../../src/app.js';
import { ConfigError } from '../../src/config.js';
import { problemSchema, versionSchema } from '../../src/http/schemas.js';
import { KeyRing, newKey } from '../../src/keys.js';
import { serviceAround, suggestionOf } from '../support.js';

const shop = newKey({ name: 'shop', isAdmin: false });
const boss = newKey({ name: 'boss', isAdmin: true });
const keys = new KeyRing(join(t.testdir({ keys: `${shop.line}\n${boss.line}\n` }), 'keys'));
t.teardown(() => keys.close());

const lightService = (version = 'v0') =>
  serviceAround(async () => suggestionOf('crumb', 'dough', 'crust'), { info: { version } });
const light = (options: AppOptions = {}) => buildApp({ service: lightService(), ...options });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const suggest = { method: 'POST', url: '/suggest', payload: { description: 'a bakery' } } as const;

t.test('with keys, only who has one is answered; health and metrics stay open', async (t) => {
  const app = await light({ keys });
  const bare = await app.inject(suggest);
  t.equal(bare.statusCode, 401);
  t.equal(bare.headers['www-authenticate'], 'Bearer');
  t.match(problemSchema.parse(bare.json()), { type: 'urn:domain-yours:problem:unauthorized' });
  t.equal((await app.inject({ ...suggest, headers: bearer('dy_wrong') })).statusCode, 401);
  t.equal((await app.inject({ ...suggest, headers: bearer(shop.key) })).statusCode, 200);
  for (const url of ['/healthz', '/readyz', '/metrics', '/version'])
    t.equal((await app.inject(url)).statusCode, 200, url);
  await app.close();
});

t.test('who asks too often waits: each key for itself, each description of a batch counted', async (t) => {
  const app = await light({ keys, rateLimit: 3 });
  const ask = (key: string) => app.inject({ ...suggest, headers: bearer(key) });
  const first = await ask(shop.key);
  t.equal(first.statusCode, 200);
  t.match(first.headers['ratelimit'], /^limit=3, remaining=2, reset=\d+$/);
  const requests = [{ description: 'a bakery' }, { description: 'a florist' }, { description: 'a vet' }];
  const batch = await app.inject({
    method: 'POST',
    url: '/suggest/batch',
    headers: bearer(shop.key),
    payload: { requests },
  });
  t.equal(batch.statusCode, 429);
  t.match(problemSchema.parse(batch.json()), { type: 'urn:domain-yours:problem:too-many' });
  t.ok(Number(batch.headers['retry-after']) > 1, 'until the minute is over');
  for (const status of [200, 200, 429])
    t.equal((await ask(shop.key)).statusCode, status, 'what was turned away is left');
  t.equal((await ask(boss.key)).statusCode, 200);
  const never = await app.inject({
    method: 'POST',
    url: '/suggest/batch',
    headers: bearer(boss.key),
    payload: { requests: [...requests, ...requests] },
  });
  t.equal(never.statusCode, 413, 'more than a minute lets through is not to be waited for');
  await app.close();
});

t.test('without keys an address is a client, and a proxy is believed only where it is trusted', async (t) => {
  const from = (address: string) => ({ ...suggest, headers: { 'x-forwarded-for': address } });
  const open = await light({ rateLimit: 1 });
  t.equal((await open.inject(from('203.0.113.1'))).statusCode, 200);
  t.equal((await open.inject(from('203.0.113.2'))).statusCode, 429);
  await open.close();
  const behind = await light({ rateLimit: 1, trustProxy: ['127.0.0.1'] });
  t.equal((await behind.inject(from('203.0.113.1'))).statusCode, 200);
  t.equal((await behind.inject(from('203.0.113.2'))).statusCode, 200);
  t.equal((await behind.inject(from('203.0.113.1'))).statusCode, 429);
  await behind.close();
});

t.test('other sites may call only where they are allowed to', async (t) => {
  const origin = 'https://shop.example';
  const preflight = {
    method: 'OPTIONS',
    url: '/suggest',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
  } as const;
  const closed = await light();
  t.equal((await closed.inject(preflight)).headers['access-control-allow-origin'], undefined);
  t.equal((await closed.inject({ ...suggest, headers: { origin } })).headers['access-control-allow-origin'], undefined);
  await closed.close();
  const open = await light({ corsOrigins: [origin] });
  t.equal((await open.inject(preflight)).headers['access-control-allow-origin'], origin);
  t.equal((await open.inject({ ...suggest, headers: { origin } })).headers['access-control-allow-origin'], origin);
  const other = await open.inject({ ...suggest, headers: { origin: 'https://other.example' } });
  t.not(other.headers['access-control-allow-origin'], 'https://other.example');
  await open.close();
});

t.test('every answer carries security headers', async (t) => {
  const app = await light();
  const get = (url: string) => ({ method: 'GET', url }) as const;
  const asked = [suggest, { ...suggest, payload: {} }, get('/nowhere'), get('/'), get('/docs/'), get('/metrics')];
  const policies: unknown[] = [];
  for (const request of asked) {
    const { headers } = await app.inject(request);
    policies.push(headers['content-security-policy']);
    t.equal(headers['x-content-type-options'], 'nosniff');
    t.equal(headers['x-frame-options'], 'SAMEORIGIN');
    t.equal(headers['referrer-policy'], 'no-referrer');
  }
  const [answer, , , page, docs] = policies;
  t.equal(answer, "default-src 'none';frame-ancestors 'none'");
  t.same([policies[1], policies[2], policies[5]], [answer, answer, answer]);
  t.match(page, /script-src 'sha256-.*connect-src 'self'/, 'the page runs its own script and calls its own origin');
  t.match(docs, /'self'/);
  await app.close();
});

t.test(
  'an administrator changes the model without a gap; others do not, and a bad model changes nothing',
  async (t) => {
    const disposed: string[] = [];
    const named = (version: string, ...names: string[]) =>
      serviceAround(async () => suggestionOf(...names), {
        info: { version },
        dispose: async () => void disposed.push(version),
      });
    const loads = [
      () => Promise.reject(new ConfigError('MODEL needs model.gguf, which is missing')),
      () => Promise.reject(new Error('no memory')),
      () => Promise.resolve(named('mute')),
      () => Promise.resolve(named('v2', 'crumb', 'dough', 'crust')),
    ];
    const app = await buildApp({
      service: named('v1', 'crumb', 'dough', 'crust'),
      keys,
      loadModel: () => loads.shift()!(),
    });
    const change = (model: string, key = boss.key) =>
      app.inject({ method: 'POST', url: '/admin/model', headers: bearer(key), payload: { model } });
    t.equal((await change('v2', shop.key)).statusCode, 403);
    t.equal((await change('/etc/passwd')).statusCode, 422, 'paths are not for who has a key');
    for (const what of ['missing', 'not loadable', 'mute']) t.equal((await change('v2')).statusCode, 422, what);
    t.same(disposed, ['mute']);
    t.equal((await app.inject('/version')).json().model, 'v1');
    t.equal(versionSchema.parse((await change('v2')).json()).model, 'v2');
    t.equal((await app.inject('/version')).json().model, 'v2');
    t.match((await app.inject('/metrics')).body, 'domain_suggest_model_info{version="v2"');
    t.same(disposed, ['mute', 'v1']);
    await app.close();
  },
);

t.test('without keys nobody is an administrator', async (t) => {
  const app = await light();
  t.equal((await app.inject({ method: 'POST', url: '/admin/model', payload: { model: 'v1' } })).statusCode, 401);
  await app.close();
});
