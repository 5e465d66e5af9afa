import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { fromRoot } from '../src/paths.js';
import { loadTestService } from './support.js';

const cli = fromRoot('dist', 'src', 'cli.js');
const description = 'bicycle repair van in Porto';

interface Running {
  process: ChildProcess;
  address: string;
  output: () => string;
}

/** Starts the built server on a free port; resolves when it listens, or when `until` was printed. */
async function start(environment: Record<string, string> = {}, until = '"ready"'): Promise<Running> {
  const child = spawn('node', [cli, 'serve'], {
    env: {
      ...process.env,
      UV_THREADPOOL_SIZE: '1',
      PORT: '0',
      GPU: 'false',
      THREADS: '2',
      SEQUENCES: '6',
      ...environment,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  while (!output.includes(until) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? '';
  return { process: child, address, output: () => output };
}

const suggest = (address: string, body: unknown = { description }, init: RequestInit = {}) =>
  fetch(`${address}/suggest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  });

t.test('SIGTERM lets requests in flight finish, turns new ones away, and ends with 0', async (t) => {
  const { process: server, address, output } = await start();
  const inFlight = [suggest(address), suggest(address, { description, seed: 2 })];
  await new Promise((resolve) => setTimeout(resolve, 300));
  server.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const late = await suggest(address);
  t.equal(late.status, 503);
  t.match(await late.json(), { type: 'urn:domain-yours:problem:draining' });
  for (const response of await Promise.all(inFlight)) {
    t.equal(response.status, 200);
    t.match(await response.json(), { status: 'ok' });
  }
  const [code] = (await once(server, 'exit')) as [number];
  t.equal(code, 0, output());
});

t.test('a second signal ends it at once', async (t) => {
  const { process: server, address } = await start();
  const lost = suggest(address, { description, count: 20 }).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 300));
  server.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = performance.now();
  server.kill('SIGTERM');
  await once(server, 'exit');
  t.ok(performance.now() - before < 1000);
  await lost;
});

t.test('a client that leaves takes nothing with it', async (t) => {
  const { process: server, address, output } = await start();
  const { port, hostname } = new URL(address);
  const body = JSON.stringify({ description, count: 20 });
  for (let i = 0; i < 5; i++) {
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /suggest HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 120));
    socket.destroy();
  }
  t.equal((await suggest(address)).status, 200);
  const metrics = await (await fetch(`${address}/metrics`)).text();
  t.match(metrics, 'domain_suggest_requests_total{outcome="client_gone"} 5');
  t.match(metrics, 'domain_suggest_in_flight 0');
  server.kill('SIGTERM');
  const [code] = (await once(server, 'exit')) as [number];
  t.equal(code, 0, output());
});

/** A version's card that can lie elsewhere: the path to its embedder is whole. */
async function cardOf(version: string): Promise<string> {
  const card = JSON.parse(await readFile(fromRoot('models', version, 'card.json'), 'utf8')) as { embedder: string };
  return JSON.stringify({ ...card, embedder: fromRoot('models', version, card.embedder) });
}

t.test('SIGHUP serves what MODEL holds now, without a gap; a corrupt one changes nothing', async (t) => {
  const folder = join(t.testdir({}), 'model');
  /** Puts a version's files into the folder that MODEL names. */
  const put = async (version: string) => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    for (const file of ['model.gguf', 'recall.json', 'recall.bin', 'metric.bin', 'ranker.json'])
      await symlink(fromRoot('models', version, file), join(folder, file));
    await writeFile(join(folder, 'card.json'), await cardOf(version));
  };
  await put('v1');
  const { process: server, address, output } = await start({ MODEL: folder, CACHE_SIZE: '0' });
  const answers: { status: number; model?: string }[] = [];
  let isOver = false;
  const client = async (name: string) => {
    for (let seed = 0; !isOver; seed++) {
      const response = await suggest(address, { description: `${description} ${name}`, seed, count: 1 });
      answers.push({ status: response.status, model: ((await response.json()) as { model?: string }).model });
    }
  };
  const load = ['one', 'two', 'three'].map(client);
  const logged = async (text: string) => {
    while (!output().includes(text) && server.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await put('v2');
  server.kill('SIGHUP');
  await logged('model changed');
  const before = answers.length;
  while (answers.length < before + 6) await new Promise((resolve) => setTimeout(resolve, 20));
  await rm(join(folder, 'model.gguf'));
  await writeFile(join(folder, 'model.gguf'), 'GGUF, but not really');
  server.kill('SIGHUP');
  await logged('model not changed');
  isOver = true;
  await Promise.all(load);
  t.equal(answers.filter(({ status }) => status !== 200).length, 0, 'every request was answered');
  const models = answers.map(({ model }) => model);
  t.equal(models[0], 'v1');
  t.equal(models.at(-1), 'v2');
  t.equal(((await (await fetch(`${address}/version`)).json()) as { model: string }).model, 'v2');
  server.kill('SIGTERM');
  const [code] = (await once(server, 'exit')) as [number];
  t.equal(code, 0, output());
});

t.test('what was loaded before a broken part is let go', async (t) => {
  const folder = join(t.testdir({}), 'model');
  await mkdir(folder);
  for (const file of ['model.gguf', 'recall.json', 'recall.bin', 'metric.bin'])
    await symlink(fromRoot('models', 'v1', file), join(folder, file));
  await writeFile(join(folder, 'card.json'), await cardOf('v1'));
  await writeFile(join(folder, 'ranker.json'), '{}');
  const residentMb = () => process.memoryUsage().rss / 2 ** 20;
  await t.rejects(loadTestService({ model: folder }));
  const before = residentMb();
  for (let i = 0; i < 3; i++) await t.rejects(loadTestService({ model: folder }));
  t.ok(residentMb() - before < 200, `${Math.round(residentMb() - before)} MB more after three failures`);
});

t.test('a connection that a browser holds in reserve does not keep the server from ending', async (t) => {
  const { process: server, address, output } = await start();
  const { port, hostname } = new URL(address);
  const idle = connect(Number(port), hostname);
  await once(idle, 'connect');
  server.kill('SIGTERM');
  const [code] = (await once(server, 'exit')) as [number];
  t.equal(code, 0, output());
  idle.destroy();
});

t.test('a bad setting or model ends the start with one line', async (t) => {
  const folder = t.testdir({});
  const broken = join(folder, 'model');
  await mkdir(broken);
  await writeFile(join(broken, 'card.json'), await cardOf('v1'));
  const lineOf = async (environment: Record<string, string>) => {
    const { process: server, output } = await start(environment, 'never printed');
    t.equal(server.exitCode, 1);
    const lines = output()
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('{'));
    t.equal(lines.length, 1, output());
    return lines[0]!;
  };
  t.match(await lineOf({ PORT: 'http' }), /^PORT is "http"; allowed is/);
  t.match(await lineOf({ MODEL: 'v999' }), /^MODEL is "v999"; allowed is served, v1/);
  t.match(await lineOf({ MODEL: broken }), /model\.gguf, which is missing$/);
  await writeFile(join(broken, 'model.gguf'), 'GGUF, but not really');
  t.match(await lineOf({ MODEL: broken }), /sha256 .* the file is corrupt$/);
  await rm(broken, { recursive: true });
});
