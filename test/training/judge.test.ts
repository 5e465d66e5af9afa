import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { appendFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { askEach } from '../../training/eval/asking.js';
import { AnswerCache, LlmJudge, NoVerdictError } from '../../training/eval/judge.js';

const question = {
  instruction: 'Judge.',
  question: 'Which?',
  form: 'verdict',
  schema: z.object({ better: z.enum(['first', 'second']) }),
};

type Reply = (response: ServerResponse) => void;
const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
const completion =
  (message: object): Reply =>
  (response) =>
    json(response, 200, {
      id: 'x',
      object: 'chat.completion',
      created: 0,
      model: 'judge',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', refusal: null, ...message } }],
    });
const good = completion({ content: '{"better":"second"}' });
const rateLimited: Reply = (response) =>
  json(response, 429, { error: { message: 'slow down' } }, { 'retry-after-ms': '5' });

/** A server that speaks the chat-completions protocol and gives these replies in turn, the last one for ever. */
function serve(replies: Reply[]) {
  return serveBy((_body, count) => replies[Math.min(count, replies.length) - 1]!);
}

/** A server that chooses its reply by what was asked, and how many questions came so far; closed after the test. */
async function serveFor(t: Test, choose: (body: string) => Reply) {
  const { server, baseUrl } = await serveBy(choose);
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  return { baseUrl };
}

async function serveBy(
  choose: (body: string, count: number) => Reply,
): Promise<{ server: Server; bodies: string[]; baseUrl: string }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
      choose(body, bodies.length)(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, bodies, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

/** A judge on such a server, its answers on disk in the test's own folder. */
async function judgeOn(t: Test, replies: Reply[], timeout = 2000) {
  const { server, bodies, baseUrl } = await serve(replies);
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const path = join(t.testdir(), 'answers', 'answers.jsonl');
  const config = { apiKey: 'key', baseUrl, model: 'judge' };
  const open = async () => new LlmJudge(config, await AnswerCache.open(path), { maxRetries: 2, timeout });
  return { judge: await open(), bodies, path, open };
}

t.test('an answer of the asked-for form is given, and the form is asked for strictly', async (t) => {
  const { judge, bodies } = await judgeOn(t, [good]);
  t.same(await judge.ask(question), { better: 'second' });
  t.match(bodies[0], /^POST \/v1\/chat\/completions Bearer key /);
  const body = JSON.parse(bodies[0]!.replace(/^\S+ \S+ Bearer key /, ''));
  t.match(body, {
    model: 'judge',
    messages: [
      { role: 'system', content: 'Judge.' },
      { role: 'user', content: 'Which?' },
    ],
    response_format: { type: 'json_schema', json_schema: { name: 'verdict', strict: true } },
  });
});

t.test('a question is asked once: the answer stays on disk, after a cut-off line too', async (t) => {
  const { judge, bodies, path, open } = await judgeOn(t, [good]);
  t.equal(judge.knows(question), false);
  await judge.ask(question);
  t.equal(judge.knows(question), true);
  await appendFile(path, '{"key":"cut o');
  const again = await open();
  t.same(await again.ask(question), { better: 'second' });
  t.same(again.counts, { cached: 1, asked: 0 });
  t.equal(bodies.length, 1);
});

t.test('what is no answer is asked for again, a few times', async (t) => {
  const broken = completion({ content: '{"better":' });
  const other = completion({ content: '{"better":"third"}' });
  const { judge, bodies } = await judgeOn(t, [broken, other, good]);
  t.same(await judge.ask(question), { better: 'second' });
  t.equal(bodies.length, 3);
  const never = await judgeOn(t, [broken]);
  await t.rejects(never.judge.ask(question), NoVerdictError);
  t.equal(never.bodies.length, 3);
  t.equal(never.judge.knows(question), false);
});

t.test('a rate limit and a failing server are waited out', async (t) => {
  const failing: Reply = (response) => json(response, 500, { error: {} }, { 'retry-after-ms': '5' });
  const { judge, bodies } = await judgeOn(t, [rateLimited, failing, good]);
  t.same(await judge.ask(question), { better: 'second' });
  t.equal(bodies.length, 3);
});

t.test('a server that fails for good, or keeps silent, is an error and no verdict', async (t) => {
  const limited = await judgeOn(t, [rateLimited]);
  await t.rejects(limited.judge.ask(question), { message: /429/ });
  t.equal(limited.bodies.length, 3);
  const silent = await judgeOn(t, [() => undefined], 50);
  await t.rejects(silent.judge.ask(question), { name: 'Error', message: /timed out/i });
});

t.test('a refusal of the judge is no verdict, and is not asked for again', async (t) => {
  const { judge, bodies } = await judgeOn(t, [completion({ content: null, refusal: 'I cannot' })]);
  await t.rejects(judge.ask(question), NoVerdictError);
  t.equal(bodies.length, 1);
});

t.test('of many questions each gets its answer or none, and what it costs is said first', async (t) => {
  const refused = completion({ content: null, refusal: 'I cannot' });
  const path = join(t.testdir(), 'answers', 'answers.jsonl');
  const { baseUrl } = await serveFor(t, (body) => (body.includes('Harmful?') ? refused : good));
  const config = { apiKey: 'key', baseUrl, model: 'judge' };
  const questions = ['Which?', 'Harmful?', 'And now?'].map((text) => ({ ...question, question: text }));
  const said = t.capture(console, 'log');
  const options = { folder: dirname(path), tokensPerAnswer: 10, price: '1,2' };
  t.same(await askEach(config, questions, options), [{ better: 'second' }, undefined, { better: 'second' }]);
  const lines = said().map(({ args }) => args.join(' '));
  t.match(lines[0], /^3 of 3 questions to judge: about \d+ tokens in, 30 out, \$0\.00$/);
  t.equal(lines[1], '1 questions without an answer');
  const again = t.capture(console, 'log');
  await askEach(config, questions, options);
  t.match(again()[0]!.args.join(' '), /^1 of 3 questions/);
});

t.test('without a key there is no judge', async (t) => {
  const cache = await AnswerCache.open(join(t.testdir(), 'answers.jsonl'));
  t.throws(() => new LlmJudge({ apiKey: undefined, baseUrl: 'http://127.0.0.1', model: 'judge' }, cache), {
    message: /OPENAI_API_KEY/,
  });
});
