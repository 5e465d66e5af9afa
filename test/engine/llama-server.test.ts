import type { Token } from 'node-llama-cpp';
import t from 'tap';
import { withoutControlTokens } from '../../src/engine/completions.js';
import { EmbeddedEngine } from '../../src/engine/embedded.js';
import type { Engine, GeneratedLine } from '../../src/engine/engine.js';
import { loadLlama } from '../../src/engine/llama.js';
import { RemoteEngine } from '../../src/engine/remote.js';
import { resolveModel } from '../../src/models.js';
import { cleanLine, isName } from '../../src/names/format.js';
import { buildPrompt } from '../../src/suggest/prompt.js';
import { loadTestService, never } from '../support.js';
import { startLlamaServer } from './llama-server.js';

const { modelPath } = await resolveModel('served');
const [first, second] = await Promise.all([startLlamaServer(modelPath, 6), startLlamaServer(modelPath, 6)]);
const llama = await loadLlama();
t.teardown(async () => {
  await llama.dispose();
  await Promise.all([first.stop(), second.stop()]);
});

const descriptions = [
  'a bakery in leeds that delivers by bike',
  'bicycle repair van in porto',
  'bookkeeping for dentists',
  'a night nursery for newborns',
  'used camera lenses, tested and sold with a guarantee',
  'climbing gym with a cafe',
  'software that plans the routes of school buses',
  'a florist for funerals',
  'organic dog food by subscription',
  'piano lessons for adults at home',
];
const sampling = { temperature: 0.9, topK: 60, topP: 0.95, minP: 0.02 };

async function write(engine: Engine): Promise<GeneratedLine[]> {
  const lines: GeneratedLine[] = [];
  for (const [seed, description] of descriptions.entries()) {
    const prompts = [buildPrompt({ description, hints: [] })];
    const generation = await engine.generate({ prompts, sequences: 12, seed, maxTokens: 24, sampling, signal: never });
    t.equal(generation.sequences, 12);
    lines.push(...generation.lines);
  }
  return lines;
}

/** Mean log-probability of a token, and the share of lines that are names. */
function quality(lines: readonly GeneratedLine[]): { mean: number; valid: number } {
  const sum = (value: (line: GeneratedLine) => number) => lines.reduce((total, line) => total + value(line), 0);
  return {
    mean: sum(({ logProbability }) => logProbability) / sum(({ tokens }) => tokens),
    valid: sum(({ text }) => (isName(cleanLine(text)) ? 1 : 0)) / lines.length,
  };
}

t.test('the same model writes as well behind llama-server as in this process', async (t) => {
  const remote = new RemoteEngine({ urls: [first.url, second.url], model: 'any', timeoutMs: 60000 });
  const embedded = await EmbeddedEngine.load(llama, { modelPath, threads: 2 });
  const [there, here] = [await write(remote), await write(embedded)];
  await Promise.all([remote.dispose(), embedded.dispose()]);
  t.comment({ there: quality(there), here: quality(here), lines: [there.length, here.length] });
  t.ok(Math.abs(there.length / here.length - 1) < 0.1, 'as many lines');
  t.ok(Math.abs(quality(there).mean / quality(here).mean - 1) < 0.1, 'as likely ones');
  t.ok(Math.abs(quality(there).valid - quality(here).valid) < 0.08, 'as often names');
});

t.test('no control token of the model gets into a prompt through its text', async (t) => {
  const model = await llama.loadModel({ modelPath, vocabOnly: true });
  const tokenize = async (content: string): Promise<number[]> => {
    const response = await fetch(`${first.url}/tokenize`, { method: 'POST', body: JSON.stringify({ content }) });
    return ((await response.json()) as { tokens: number[] }).tokens;
  };
  const controlTokens = [...model.iterateAllTokens()].filter((token) => model.isSpecialToken(token));
  const isControl = (token: number) => controlTokens.includes(token as Token);
  const controls = controlTokens.map((token) => model.detokenize([token], true));
  t.ok(controls.length > 2, controls.join(' '));
  const forged = buildPrompt({ description: `a bakery ${controls.join(' and ')}${controls.join('')}`, hints: [] });
  t.ok((await tokenize(forged)).some(isControl), 'the server reads them out of text');
  t.notOk((await tokenize(withoutControlTokens(forged))).some(isControl));
  await model.dispose();
});

t.test('a server that is killed under load costs no request', async (t) => {
  const remote = { urls: [first.url, second.url], model: 'any', apiKey: '', sequences: 12, timeoutMs: 60000 };
  const service = await loadTestService({ remote });
  t.teardown(() => service.dispose());
  const requests = descriptions
    .concat(descriptions.map((description) => `${description}, in Ghent`))
    .slice(0, 12)
    .map((description) => service.suggester.suggest({ description, count: 5 }, never));
  await Promise.race(requests);
  await first.stop();
  for (const { suggestion } of await Promise.all(requests)) {
    t.equal(suggestion.status, 'ok');
    t.equal(suggestion.suggestions.length, 5);
    t.ok(suggestion.tokens.generated > 0);
  }
  while (service.endpoints?.[0]?.isUp) await new Promise((resolve) => setTimeout(resolve, 50));
  t.same(
    service.endpoints?.map(({ isUp }) => isUp),
    [false, true],
  );
  const { suggestion } = await service.suggester.suggest({ description: 'a vet', count: 5 }, never);
  t.equal(suggestion.suggestions.length, 5, 'and the other goes on');
});
