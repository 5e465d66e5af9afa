import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { buildApp } from '../src/app.js';
import { RedisLink } from '../src/redis.js';
import { SharedAnswers } from '../src/suggest/shared-answers.js';
import { serviceAround, suggestionOf } from './support.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A real Redis that keeps nothing on disk. */
async function startRedis(port: number): Promise<ChildProcess> {
  const server = spawn('redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ]);
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return server;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function stop(server: ChildProcess): Promise<void> {
  server.kill('SIGKILL');
  await once(server, 'exit');
}

const until = async (isTrue: () => boolean) => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
};

const port = await freePort();
let redis = await startRedis(port);
const links: RedisLink[] = [];
let answered = 0;

/** A replica with its own connection, cache and limiter. */
async function replica() {
  const link = new RedisLink(`redis://127.0.0.1:${port}`);
  links.push(link);
  await until(() => link.up);
  const cache = { size: 10, shared: new SharedAnswers(link, 60_000) };
  const service = serviceAround(async () => suggestionOf(`name${'abcdefghij'[answered++]}`), { cache });
  return buildApp({ service, redis: link, rateLimit: 4 });
}

const [one, two] = [await replica(), await replica()];
t.teardown(async () => {
  await Promise.all([one.close(), two.close()]);
  for (const link of links) link.close();
  await stop(redis);
});
type Replica = typeof one;
const ask = (app: Replica, description: string) =>
  app.inject({ method: 'POST', url: '/suggest', payload: { description } });
const nameOf = (response: Awaited<ReturnType<typeof ask>>): string => response.json().suggestions[0].name;

t.test('Redis that is not there from the start is told of, and nothing waits for it', async (t) => {
  const states: boolean[] = [];
  const link = new RedisLink(`redis://127.0.0.1:${await freePort()}`, (up) => void states.push(up));
  await until(() => states.length > 0);
  t.same(states, [false]);
  t.equal(await new SharedAnswers(link, 1000).get('x'), undefined);
  link.close();
});

t.test('replicas share answers and limits', async (t) => {
  const first = await ask(one, 'a bakery');
  t.equal(nameOf(await ask(two, 'a bakery')), nameOf(first));
  t.equal(answered, 1);
  t.equal((await ask(one, 'a vet')).statusCode, 200);
  t.equal((await ask(two, 'a tailor')).statusCode, 200);
  t.equal((await ask(one, 'a florist')).statusCode, 429, 'the fifth of this minute, over both');
  t.equal((await ask(two, 'a florist')).statusCode, 429);
  t.match((await one.inject('/metrics')).body, /domain_suggest_redis_up 1\n/);
});

t.test('what stands in Redis and is no answer is not answered with', async (t) => {
  const client = links[0]!.client;
  const [key] = await client.keys('domain-yours:answer:*');
  t.notMatch(key!, 'bakery');
  const store = new SharedAnswers(links[0]!, 60_000);
  await client.set('domain-yours:answer:x', '{"status":"ok","suggestions":[{"name":"<script>"}]}');
  await client.set('domain-yours:answer:y', 'not json');
  t.equal(await store.get('x'), undefined);
  t.equal(await store.get('y'), undefined);
});

t.test('without Redis each goes on by itself, says so, and shares again when it is back', async (t) => {
  await stop(redis);
  await until(() => links.every(({ up }) => !up));
  t.equal((await ask(one, 'a beekeeper')).statusCode, 200, 'its own limit begins anew');
  t.equal((await ask(two, 'a beekeeper')).statusCode, 200);
  const names = [await ask(one, 'a beekeeper'), await ask(two, 'a beekeeper')].map(nameOf);
  t.not(names[0], names[1], 'each has its own answer');
  for (let i = 0; i < 2; i++) await ask(one, 'a beekeeper');
  t.equal((await ask(one, 'a beekeeper')).statusCode, 429, 'and its own limit');
  t.match((await one.inject('/metrics')).body, /domain_suggest_redis_up 0\n/);
  redis = await startRedis(port);
  await until(() => links.every(({ up }) => up));
  t.match((await one.inject('/metrics')).body, /domain_suggest_redis_up 1\n/);
  t.equal((await ask(two, 'a luthier')).statusCode, 200);
});
