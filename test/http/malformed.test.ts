import { connect } from 'node:net';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { buildApp } from '../../src/app.js';
import { answerSchema, problemSchema } from '../../src/http/schemas.js';
import { loadLightService } from '../light-service.js';

const bodies = 10_000;
const rawRequests = 300;
/** Stands in every body, so that a log line or a metric that holds any part of one is found. */
const mark = 'zqxjkv';

const lines: string[] = [];
const service = await loadLightService();
const app = await buildApp({
  service,
  logger: { level: 'trace', stream: { write: (line: string) => void lines.push(line) } },
});
const address = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
t.teardown(async () => {
  await app.close();
  await service.dispose();
});

const json = (value: unknown) => JSON.stringify(value);
const text = fc.string({ unit: 'binary', maxLength: 60 }).map((rest) => `${mark} ${rest}`);
const wrong = fc.oneof(
  fc.jsonValue(),
  text,
  fc.constantFrom(null, true, -1, 0, 1.5, 21, 1e308, [], {}, [[]], '', ' ', '\ud800', '\u0000'),
);
const field = fc.constantFrom(
  ...['description', 'count', 'min_length', 'max_length', 'hyphens', 'digits', 'contains', 'starts_with', 'ends_with'],
  ...['exclude', 'like', 'style', 'seed', mark, '__proto__', 'constructor', 'prototype', 'toString', ''],
);

/** A body that is wrong in one of the ways in which bodies are wrong. */
const body: fc.Arbitrary<string> = fc.oneof(
  // wrong types and unknown keys
  { weight: 4, arbitrary: fc.tuple(text, field, wrong).map(([description, key, value]) => `{"description":${json(description)},${json(key)}:${json(value)}}`) },
  { weight: 2, arbitrary: fc.dictionary(field, wrong, { maxKeys: 6 }).map(json) },
  { weight: 1, arbitrary: wrong.map(json) },
  // broken JSON: cut short, with a byte put in, or no JSON at all
  { weight: 3, arbitrary: fc.tuple(text, fc.nat(200)).map(([description, cut]) => json({ description, count: 3 }).slice(0, cut)) },
  { weight: 2, arbitrary: fc.tuple(text, fc.nat(80), fc.constantFrom(...'{}[]",:\\\u0000\u001f\ufeff')).map(([description, at, sign]) => {
    const whole = json({ description });
    return whole.slice(0, at) + sign + whole.slice(at);
  }) },
  { weight: 1, arbitrary: text },
  // numbers that no integer holds, duplicate keys, escapes of half a pair, depth
  { weight: 1, arbitrary: fc.constantFrom('1e400', '-1e400', '99999999999999999999', '0x10', '1_000', 'NaN', 'Infinity', '-0', '1.0').map((number) => `{"description":"${mark} bakery","seed":${number}}`) },
  { weight: 1, arbitrary: wrong.map((value) => `{"description":"${mark} a","description":${json(value)}}`) },
  { weight: 1, arbitrary: fc.constantFrom('\\ud800', '\\udc00\\ud800', '\\u0000', '\\x41', '\\').map((escape) => `{"description":"${mark} ${escape}"}`) },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom('[', '{"a":', '[{"description":')).map(([depth, open]) => open.repeat(depth).slice(0, 60_000)) },
  { weight: 1, arbitrary: fc.constantFrom('{"__proto__":{"admin":true}}', `{"constructor":{"prototype":{"a":1}},"description":"${mark}"}`, `{"description":"${mark} shop","__proto__":null}`) },
); // prettier-ignore

const jsonType = 'application/json';
const contentType = fc.oneof(
  { weight: 12, arbitrary: fc.constant(jsonType) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[
        'application/json; charset=utf-16',
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        '/',
      ],
      ...['application/problem+json', 'application/jsonx', 'json', ';', 'application/json;;;', `text/${mark}`],
    ),
  },
);

/** What a caller is told must be a problem that says its own status, or a whole answer. */
function complaint(status: number, type: string, text: string): string | undefined {
  if (status === 200) return answerSchema.safeParse(JSON.parse(text)).success ? undefined : `200 ${text.slice(0, 200)}`;
  if (status < 400 || status > 499) return `status ${status}`;
  if (!type.startsWith('application/problem+json')) return `${status} as ${type}`;
  const problem = problemSchema.strict().safeParse(JSON.parse(text));
  if (!problem.success) return `${status} ${text.slice(0, 200)}`;
  return problem.data.status === status ? undefined : `${status} says ${problem.data.status}`;
}

async function stillWell(t: Test): Promise<void> {
  t.equal((await fetch(new URL('/healthz', address))).status, 200);
  t.notMatch(lines.join(''), mark, 'nothing of a body stands in the log');
  t.notMatch((await app.inject('/metrics')).body, mark);
}

t.test('10,000 malformed or odd bodies: a problem for each, an answer where it is a request after all', async (t) => {
  const wrong: string[] = [];
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(body, contentType, async (payload, type) => {
      const response = await app.inject({
        method: 'POST',
        url: '/suggest',
        headers: { 'content-type': type },
        payload,
      });
      statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1);
      const bad = complaint(response.statusCode, String(response.headers['content-type']), response.body);
      if (bad !== undefined) wrong.push(`${bad} for ${payload.slice(0, 100)}`);
      return bad === undefined;
    }),
    { numRuns: bodies },
  );
  t.same(wrong, []);
  t.comment(`statuses: ${json([...statuses])}`);
  for (const status of [200, 400, 415]) t.ok((statuses.get(status) ?? 0) > 0, `some are ${status}`);
  await stillWell(t);
});

t.test('a body that is wrong in thousands of places is told of a few', async (t) => {
  const payload = { description: `${mark} shop`, exclude: Array<number>(20_000).fill(0) };
  const response = await app.inject({ method: 'POST', url: '/suggest', payload });
  t.equal(response.statusCode, 400);
  t.ok(response.body.length < 10_000);
});

t.test('odd methods and paths are 404 or 405', async (t) => {
  const methods = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'SEARCH', 'LOCK'] as const;
  const paths = ['/suggest', '/suggest/', '/Suggest', '//suggest', '/%', '/%zz', '/%00', '/..%2f..%2fetc/passwd', '/*', '/docs/*', '/:x', `/${mark}`, '/a'.repeat(2000)]; // prettier-ignore
  for (const method of methods)
    for (const path of paths) {
      const { status, type, body } = await raw(`${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      t.ok([404, 405].includes(status), `${method} ${path.slice(0, 30)}: ${status}`);
      t.equal(complaint(status, type, body), undefined, `${method} ${path.slice(0, 30)}`);
    }
  await stillWell(t);
});

interface Told {
  status: number;
  type: string;
  body: string;
}

/**
 * Sends bytes as they are, and reads until the server closes; it does on whatever is no HTTP.
 * @param ends whether the sender says that nothing more will come
 */
function raw(bytes: string | Buffer, ends = false): Promise<Told> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(address.port), address.hostname, () =>
      ends ? socket.end(bytes) : socket.write(bytes),
    );
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // What was sent and not read by a server that has answered already resets the connection.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString();
      const [head = '', ...rest] = text.split('\r\n\r\n');
      // What follows the first answer is another one, to bytes that were taken for a second request.
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? Infinity);
      const body = Buffer.from(rest.join('\r\n\r\n')).subarray(0, length).toString();
      resolve({
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
        type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
        body,
      });
    });
  });
}

const head = 'POST /suggest HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n';

t.test('what is no HTTP is a problem too', async (t) => {
  const broken: [string, string | Buffer, number][] = [
    ['no HTTP at all', `${mark}\r\n\r\n`, 400],
    ['a TLS greeting', Buffer.from('16030100c8010000c40303', 'hex'), 400],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['an unknown method', `BREW /suggest HTTP/1.1\r\nhost: x\r\n\r\n`, 400],
    ['an unknown version', 'GET /healthz HTTP/9.9\r\nhost: x\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['two lengths', `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, 400],
    ['a negative length', `${head}content-length: -1\r\n\r\n{}`, 400],
    ['a length in letters', `${head}content-length: ${mark}\r\n\r\n{}`, 400],
    ['a length and chunks', `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`, 400],
    ['chunks of no size', `${head}transfer-encoding: chunked\r\n\r\n${mark}\r\n{}\r\n`, 400],
    ['a header without a name', `GET /healthz HTTP/1.1\r\nhost: x\r\n: ${mark}\r\n\r\n`, 400],
    ['a control character in a header', `GET /healthz HTTP/1.1\r\nhost: x\r\na: \u0000${mark}\r\n\r\n`, 400],
    ['headers of 64 KiB', `GET /healthz HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(65_536)}\r\n\r\n`, 431],
    ['a path of 64 KiB', `GET /${'x'.repeat(65_536)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431],
    ['a body over the limit', `${head}content-length: 70000\r\n\r\n${'x'.repeat(70_000)}`, 413],
    ['an unknown expectation', `${head}expect: ${mark}\r\ncontent-length: 2\r\n\r\n{}`, 417],
    ['a body where none is read', `${head.replace('POST', 'PUT')}content-length: 1\r\n\r\n{`, 405],
    ['an empty body', `${head}content-length: 0\r\n\r\n`, 400],
  ];
  for (const [what, bytes, status] of broken) {
    const told = await raw(bytes);
    t.equal(told.status, status, what);
    t.equal(complaint(told.status, told.type, told.body), undefined, what);
  }
  await stillWell(t);
});

t.test('bytes changed at random in a whole request are never a 5xx', async (t) => {
  const whole = Buffer.from(
    `${head}content-length: 40\r\n\r\n${json({ description: `${mark} bakery in Leeds` }).padEnd(40)}`,
  );
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(changes, async (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      // A request that now asks for more bytes, or for a connection that stays, is ended by the sender.
      const told = await raw(bytes, true);
      return told.status === 0 || complaint(told.status, told.type, told.body) === undefined;
    }),
    { numRuns: rawRequests },
  );
  await stillWell(t);
});
