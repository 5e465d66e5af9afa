import t, { type Test } from 'tap';
import { EngineDownError, EngineStoppedError, QueueFullError, type GenerateRequest } from '../../src/engine/engine.js';
import { RemoteEngine, type RemoteEngineOptions } from '../../src/engine/remote.js';
import { never } from '../support.js';
import { CompletionsServer, type WrittenChoice } from './completions-server.js';

const prompt = 'Business: a bakery in leeds\nBrand names:\n';
const hinted = 'Business: a bakery in leeds\nWords: dough\nBrand names:\n';
const request = (overrides: Partial<GenerateRequest> = {}): GenerateRequest => ({
  prompts: [prompt],
  sequences: 2,
  seed: 1,
  maxTokens: 24,
  sampling: { temperature: 0.9, topK: 60, topP: 0.95, minP: 0.02 },
  signal: never,
  ...overrides,
});

/** Health checks come seldom unless a test is about them. */
const seldom = 1e6;

async function start(
  t: Test,
  servers: number,
  options: Partial<RemoteEngineOptions> = {},
): Promise<{
  engine: RemoteEngine;
  servers: CompletionsServer[];
  first: CompletionsServer;
  second: CompletionsServer;
}> {
  const started = await Promise.all(Array.from({ length: servers }, () => CompletionsServer.start()));
  const urls = started.map(({ url }) => url);
  const engine = new RemoteEngine({ urls, model: 'names', healthIntervalMs: seldom, ...options });
  t.teardown(async () => {
    await engine.dispose();
    await Promise.all(started.map((server) => server.close()));
  });
  return { engine, servers: started, first: started[0]!, second: started[1]! };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const always = (...choices: WrittenChoice[]) => {
  return (count: number) => Array.from({ length: count }, (_, index) => choices[index % choices.length]!);
};

t.test('a prompt is continued n times with the request’s sampling, under its own seed', async (t) => {
  const { engine, first } = await start(t, 1, { apiKey: 'secret' });
  const generation = await engine.generate(request({ prompts: [hinted, prompt], sequences: 5 }));
  t.same(first.asked.map(({ prompt: text, n }) => [text, n]).sort(), [
    [prompt, 2],
    [hinted, 3],
  ]);
  const { model, temperature, top_k, top_p, min_p, max_tokens, logprobs } = first.asked[0]!;
  t.same(
    { model, temperature, top_k, top_p, min_p, max_tokens, logprobs },
    { model: 'names', temperature: 0.9, top_k: 60, top_p: 0.95, min_p: 0.02, max_tokens: 24, logprobs: 1 },
  );
  t.equal(first.keys[0], 'Bearer secret');
  t.match(generation, { sequences: 5, promptTokens: 34, generatedTokens: 20, emptySequences: 0 });
  const seeds = () => first.asked.splice(0).map(({ prompt: text, seed }) => `${text}${seed}`);
  const before = seeds().sort();
  t.equal(new Set(before).size, 2);
  await engine.generate(request({ prompts: [hinted, prompt], sequences: 5 }));
  t.same(seeds().sort(), before, 'the same again');
  await engine.generate(request({ prompts: [hinted, prompt], sequences: 5, seed: 2 }));
  t.notSame(seeds().sort(), before);
});

for (const style of ['tokens', 'content', 'content after sampling'] as const)
  t.test(`lines are read with the log-probabilities of their tokens (${style})`, async (t) => {
    const { engine, first } = await start(t, 1);
    first.style = style;
    const end: [string, number] = [style === 'tokens' ? '<|im_end|>' : '', -0.25];
    first.choices = always(
      {
        tokens: [
          ['dough', -1],
          ['dock', -2],
          ['\n', -0.5],
          ['\n', -4],
          ['crust', -1],
          ['\n', -1],
          ['unfin', -3],
        ],
        finish: 'length',
      },
      { tokens: [['loaf', -1], ['ly', -1], end], finish: 'stop', text: 'loafly' },
      { tokens: [['oven', -1], ['\n', -1], end], finish: 'stop', text: 'oven\n' },
      {
        tokens: [
          ['bake', -1],
          ['rie', -1],
        ],
        finish: 'stop',
      },
      { tokens: [end], finish: 'stop', text: '' },
    );
    const { lines, emptySequences, generatedTokens } = await engine.generate(request({ sequences: 5 }));
    const rounded = lines.map((line) => ({ ...line, logProbability: Number(line.logProbability.toFixed(6)) }));
    t.same(rounded, [
      { text: 'doughdock', logProbability: -3.5, tokens: 3 },
      { text: 'crust', logProbability: -2, tokens: 2 },
      { text: 'loafly', logProbability: -2, tokens: 2 },
      { text: 'oven', logProbability: -2, tokens: 2 },
      { text: 'bakerie', logProbability: -2, tokens: 2 },
    ]);
    t.equal(emptySequences, 1);
    t.equal(generatedTokens, 7 + 2 + 2 + 2);
  });

t.test('spaces that tokens do not show are those of the text', async (t) => {
  const { engine, first } = await start(t, 1);
  first.choices = always({
    tokens: [
      ['bread', -1],
      ['box', -1],
      ['\n', -1],
      ['oven', -1],
      ['un', -1],
    ],
    finish: 'length',
    text: 'bread box\noven un',
  });
  t.same(
    (await engine.generate(request({ sequences: 1 }))).lines.map(({ text }) => text),
    ['bread box'],
  );
});

t.test('a control token in a prompt is taken apart', async (t) => {
  const { engine, first } = await start(t, 1);
  await engine.generate(request({ prompts: ['Business: a bakery<|im_end|></s>[inst] 3 < 5\n'] }));
  t.equal(first.asked[0]!.prompt, 'Business: a bakery< |im_end|>< /s>[ inst] 3 < 5\n');
});

t.test('a server that refuses so many choices at once is asked for fewer, with other seeds', async (t) => {
  const { engine, first } = await start(t, 1);
  first.mostChoices = 2;
  t.equal((await engine.generate(request({ sequences: 5 }))).sequences, 5);
  first.asked.length = 0;
  t.equal((await engine.generate(request({ sequences: 5 }))).sequences, 5);
  t.same(first.asked.map(({ n }) => n).sort(), [1, 2, 2], 'it is known by now');
  t.equal(new Set(first.asked.map(({ seed }) => seed)).size, 3);
});

t.test('a server that gives fewer choices than were asked for is asked again', async (t) => {
  const { engine, first } = await start(t, 1);
  first.givenChoices = 1;
  t.equal((await engine.generate(request({ sequences: 3 }))).sequences, 3);
  t.equal(new Set(first.asked.map(({ seed }) => seed)).size, 3);
});

for (const trouble of [429, 500, 503, 'drop', 'page', 'hang', 'hang-in-body'] as const)
  t.test(`another endpoint answers for one in trouble (${trouble})`, async (t) => {
    const { engine, first, second } = await start(t, 2, { timeoutMs: 200 });
    first.trouble = trouble;
    t.equal((await engine.generate(request())).lines.length, 2);
    t.equal(first.asked.length, 1);
    t.equal(second.asked.length, 1);
  });

t.test('an endpoint that nobody listens at costs no request', async (t) => {
  const { engine, first, second } = await start(t, 2);
  await first.close();
  const generations = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => engine.generate(request({ seed }))));
  for (const { lines } of generations) t.equal(lines.length, 2);
  t.equal(second.asked.length, 6);
});

t.test('what every endpoint would refuse is not sent again, and the error has no word of the prompt', async (t) => {
  for (const trouble of [400, 401] as const) {
    const { engine, first, second } = await start(t, 2);
    first.trouble = second.trouble = trouble;
    const error = await engine.generate(request({ sequences: 1 })).catch((caught: unknown) => caught);
    t.match(error, { name: 'EndpointRefusedError', status: trouble });
    t.notMatch(JSON.stringify([error, String(error), (error as Error).cause]), 'bakery');
    t.equal(first.asked.length + second.asked.length, 1);
  }
});

t.test('the circuit opens after failures and closes when the endpoint is healthy again', async (t) => {
  const { engine, first, second } = await start(t, 2, { healthIntervalMs: 20 });
  const names = engine.endpoints.map(({ name }) => name);
  t.same(names, [first.name, second.name]);
  first.trouble = 500;
  first.isHealthy = false;
  await until(() => !engine.endpoints[0]!.isUp);
  first.asked.length = 0;
  t.equal((await engine.generate(request({ sequences: 4 }))).sequences, 4);
  t.equal(first.asked.length, 0, 'an open circuit is left alone');
  t.ok(engine.endpoints[1]!.isUp);
  first.trouble = undefined;
  first.isHealthy = true;
  await until(() => engine.endpoints[0]!.isUp);
  await engine.generate(request());
  t.equal(first.asked.length, 1, 'and takes its share again');
});

t.test('failed requests open the circuit without a health check', async (t) => {
  const { engine, first } = await start(t, 2);
  first.trouble = 'drop';
  for (let seed = 0; seed < 5; seed++) await engine.generate(request({ seed }));
  t.notOk(engine.endpoints[0]!.isUp);
  t.equal(first.asked.length, 3);
});

t.test('too many requests do not open the circuit', async (t) => {
  const { engine, first } = await start(t, 2);
  first.trouble = 429;
  for (let seed = 0; seed < 5; seed++) await engine.generate(request({ seed }));
  t.ok(engine.endpoints[0]!.isUp);
});

t.test('health is asked of the list of models where there is no route for it', async (t) => {
  const { engine, first } = await start(t, 1, { healthIntervalMs: 20 });
  first.hasHealthRoute = false;
  first.isHealthy = false;
  await until(() => !engine.endpoints[0]!.isUp);
  first.isHealthy = true;
  await until(() => engine.endpoints[0]!.isUp);
});

t.test('with every endpoint down a request fails at once, and says so', async (t) => {
  const { engine, first, second } = await start(t, 2);
  first.trouble = second.trouble = 500;
  await t.rejects(engine.generate(request()), EngineDownError);
  await t.rejects(engine.generate(request()), EngineDownError);
  const asked = first.asked.length + second.asked.length;
  await t.rejects(engine.generate(request()), EngineDownError);
  t.equal(first.asked.length + second.asked.length, asked, 'nothing is sent to open circuits');
});

t.test('the endpoint that writes the least is chosen', async (t) => {
  const { engine, first, second } = await start(t, 2);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  first.before = () => held;
  const slow = engine.generate(request({ sequences: 4 }));
  await until(() => first.asked.length === 1);
  for (let seed = 0; seed < 3; seed++) await engine.generate(request({ seed }));
  t.equal(second.asked.length, 3);
  release();
  await slow;
  await engine.generate(request());
  t.equal(first.asked.length, 2, 'idle again');
});

t.test('who leaves closes the connections and gives the turn back', async (t) => {
  const { engine, first } = await start(t, 1, { sequences: 2 });
  first.trouble = 'hang';
  const leaving = new AbortController();
  const running = engine.generate(request({ prompts: [hinted, prompt], signal: leaving.signal }));
  await until(() => first.asked.length === 2);
  leaving.abort(new Error('left'));
  await t.rejects(running, { message: 'left' });
  await until(() => first.left === 2);
  t.ok(engine.endpoints[0]!.isUp, 'which is no failure of the endpoint');
  first.trouble = undefined;
  t.equal((await engine.generate(request())).sequences, 2);
});

t.test('a full queue refuses at once, and a continued request waits beyond it', async (t) => {
  const { engine, first } = await start(t, 1, { sequences: 2, queueLimit: 1 });
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  first.before = () => held;
  const running = [engine.generate(request()), engine.generate(request({ seed: 2 }))];
  t.equal(engine.queueDepth, 1);
  await t.rejects(engine.generate(request()), QueueFullError);
  running.push(engine.generate(request({ isContinued: true })));
  release();
  for (const { sequences } of await Promise.all(running)) t.equal(sequences, 2);
  t.equal(engine.queueDepth, 0);
});

t.test('a stopped engine refuses who runs, who waits and who comes', async (t) => {
  const { engine, first } = await start(t, 1, { sequences: 2 });
  first.trouble = 'hang';
  const running = [engine.generate(request()), engine.generate(request())];
  const refused = running.map((generation) => t.rejects(generation, EngineStoppedError));
  await until(() => first.asked.length === 1);
  await engine.dispose();
  await Promise.all(refused);
  await t.rejects(engine.generate(request()), EngineStoppedError);
});

t.test('it cannot score', async (t) => {
  const { engine } = await start(t, 1);
  t.notOk('score' in engine);
});
