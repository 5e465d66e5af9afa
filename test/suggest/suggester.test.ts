import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Embedder } from '../../src/engine/embedder.js';
import type { Engine, GenerateRequest, ScoreRequest } from '../../src/engine/engine.js';
import { parseBrands } from '../../src/names/brands.js';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { OutputGuard } from '../../src/safety/output.js';
import { noSay } from '../../src/safety/second-opinion.js';
import { rankerSchema, type Ranker } from '../../src/suggest/rank.js';
import { Recall } from '../../src/suggest/recall.js';
import { Relevance } from '../../src/suggest/relevance.js';
import { verdictQuestion } from '../../src/suggest/prompt.js';
import { shortlisted, Suggester, type SuggesterParts } from '../../src/suggest/suggester.js';
import { never } from '../support.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const ranker = rankerSchema.parse(JSON.parse(readFileSync(fromRoot('models', 'v1', 'ranker.json'), 'utf8')));
const { weights, bias, confidence } = ranker;
const asksTheGenerator: Ranker = {
  ...ranker,
  weighed: { weights: { ...weights, lineAdvantage: 9, lineTokens: 0, lineVerdict: 0 }, bias, confidence },
};

/** Nothing is like anything: what is remembered plays no part. */
const embedder: Embedder = {
  dimensions: 2,
  embed: async () => new Float32Array([1, 0]),
  async *embedAll() {},
  dispose: async () => {},
};
const recall = new Recall({ dimensions: 2, rows: [], keys: [], words: [] }, new Int8Array(), new Int8Array());

const starts = ['dough', 'crumb', 'loaf', 'rye', 'oven', 'bun', 'toast', 'bagel'];
const ends = ['dock', 'cart', 'lane', 'road', 'post'];
const written = starts.flatMap((start) => ends.map((end) => start + end));

/** An engine that writes all of `written` at once and finds a name the likelier the longer it is. */
function scripted() {
  const generated: GenerateRequest[] = [];
  const scored: ScoreRequest[] = [];
  const engine: Engine = {
    queueDepth: 0,
    async generate(request) {
      generated.push(request);
      const lines = written.map((text) => ({ text, logProbability: -8, tokens: 4 }));
      return { lines, emptySequences: 0, sequences: 6, promptTokens: 10, generatedTokens: 160, queuedMs: 0 };
    },
    async score(request) {
      scored.push(request);
      const lines = request.lines.map((line) => ({ logProbability: line.length - 20, tokens: 3 }));
      return { lines, promptTokens: 12, queuedMs: 5 };
    },
    dispose: async () => {},
  };
  return { engine, generated, scored };
}

const suggesterWith = (engine: Engine, chosen: Ranker, others: Partial<SuggesterParts> = {}) =>
  new Suggester({
    engine,
    embedder,
    recall,
    relevance: new Relevance(embedder, recall),
    ranker: chosen,
    prefilter: { classify: async () => ({ label: 'allow' }) },
    outputGuard: new OutputGuard(words, parseBrands(readFileSync(fromRoot('data', 'brands.tsv'), 'utf8'))),
    words,
    glossary: { explain: (text) => text },
    ...others,
  });
const request = { description: 'a bakery in Leeds', count: 5 };

t.test('the generator is asked about a shortlist, under the text it wrote for, and its opinion decides', async (t) => {
  const { engine, generated, scored } = scripted();
  const answer = await suggesterWith(engine, asksTheGenerator).suggest(request, never);
  t.equal(scored.length, 1);
  const { lines, prompt, isContinued } = scored[0]!;
  t.equal(lines.length, shortlisted);
  t.equal(new Set(lines).size, shortlisted);
  t.ok(generated[0]!.prompts.includes(prompt));
  t.equal(isContinued, true);
  const longest = Math.max(...lines.map((line) => line.length));
  t.equal(answer.suggestions[0]!.name.length, longest);
  t.equal(answer.timing.queue, 5);
  t.equal(answer.tokens.prompt, 10 + 12 + 3 * shortlisted);
});

t.test('each name carries its own line', async (t) => {
  const { engine } = scripted();
  const { measured } = await suggesterWith(engine, asksTheGenerator).propose(request, never);
  t.equal(measured.length, shortlisted);
  for (const { candidate, line } of measured) t.equal(line!.logProbability, candidate.name.length - 20);
});

t.test('more names asked for are more names weighed', async (t) => {
  const { engine, scored } = scripted();
  await suggesterWith(engine, asksTheGenerator).suggest({ ...request, count: 20 }, never);
  t.equal(scored[0]!.lines.length, Math.min(40, written.length));
});

t.test(
  'of names that other businesses have, an answer holds one of a near business and none of a far one',
  async (t) => {
    const rows = [['doughdock', 'crumbcart', 'loaflane', 'ovenpost'], ['ryeroad']];
    const vectors = Int8Array.from([127, 0, 0, 127]);
    const remembering = new Recall({ dimensions: 2, rows, keys: [0, 1], words: [] }, vectors, new Int8Array());
    for (const chosen of [ranker, asksTheGenerator]) {
      const { engine } = scripted();
      const parts = { recall: remembering, relevance: new Relevance(embedder, remembering) };
      const { suggestions } = await suggesterWith(engine, chosen, parts).suggest({ ...request, count: 20 }, never);
      const names = suggestions.map(({ name }) => name);
      t.equal(names.length, 20);
      t.equal(names.filter((name) => rows[0]!.includes(name)).length, 1);
      t.notOk(names.includes('ryeroad'));
    }
  },
);

t.test('a ranker that was not fitted to the opinion does not cost it', async (t) => {
  const { engine, scored } = scripted();
  const { suggestions } = await suggesterWith(engine, ranker).suggest(request, never);
  t.equal(suggestions.length, 5);
  t.equal(scored.length, 0);
});

t.test('a verdict is asked for where the ranker goes by it, and decides', async (t) => {
  const { engine, scored } = scripted();
  const score: Engine['score'] = async (asked) => {
    const scoring = await engine.score!(asked);
    return {
      ...scoring,
      lines: scoring.lines.map((line, i) => ({ ...line, verdict: asked.lines[i] === 'ryeroad' ? 9 : 0 })),
    };
  };
  const goesByIt = { weights: { ...weights, lineAdvantage: 0, lineTokens: 0, lineVerdict: 5 }, bias, confidence };
  const asked = suggesterWith({ ...engine, score }, { ...ranker, weighed: goesByIt });
  t.equal((await asked.suggest(request, never)).suggestions[0]!.name, 'ryeroad');
  t.same(scored[0]!.question, verdictQuestion);
  await suggesterWith(engine, asksTheGenerator).suggest(request, never);
  t.equal(scored[1]!.question, undefined);
});

t.test('the generator has a say in what the prefilter was in doubt about', async (t) => {
  const answer = async (margin: number, refusal: number, secondOpinion = { weight: 1, bound: 3, bias: 1 }) => {
    const { engine, generated } = scripted();
    const generate: Engine['generate'] = async (asked) => ({ ...(await engine.generate(asked)), refusal });
    const suggester = suggesterWith({ ...engine, generate }, ranker, {
      prefilter: { classify: async () => ({ label: 'allow', doubt: { margin, category: 'fraud' } }) },
      secondOpinion,
    });
    const { status, refusal: refused, suggestions } = await suggester.suggest(request, never);
    t.equal(generated[0]!.asksRefusal, true);
    return { status, refused, names: suggestions.length };
  };
  t.match(await answer(-1, 2.5), { status: 'refused', refused: { stage: 'generator', category: 'fraud' }, names: 0 });
  t.match(await answer(-1, 1), { status: 'ok', refused: undefined, names: 5 });
  t.match(
    await answer(-4, 50),
    { status: 'ok' },
    'however sure it is, it cannot refuse what the prefilter finds harmless',
  );
  await t.rejects(answer(-1, NaN), { name: 'GuardFailedError' });
});

t.test('without its say no answer is given where it should have one', async (t) => {
  const { engine } = scripted();
  const suggester = suggesterWith(engine, ranker, {
    prefilter: { classify: async () => ({ label: 'allow', doubt: { margin: -1, category: 'fraud' } }) },
    secondOpinion: { weight: 1, bound: 3, bias: 1 },
  });
  await t.rejects(suggester.suggest(request, never), { name: 'GuardFailedError' });
});

t.test('lists that were cut are no refusal', async (t) => {
  const { engine } = scripted();
  const nothing = { lines: [], sequences: 2, promptTokens: 10, generatedTokens: 48, queuedMs: 0 };
  const writing = (emptySequences: number): Engine => ({
    ...engine,
    generate: async () => ({ ...nothing, emptySequences }),
  });
  t.match(await suggesterWith(writing(0), ranker).suggest(request, never), { status: 'ok', partial: true });
  t.match(await suggesterWith(writing(2), ranker).suggest(request, never), { status: 'refused' });
  t.match(
    await suggesterWith(writing(2), ranker, { secondOpinion: noSay }).suggest(request, never),
    { status: 'ok' },
    'nor are empty ones of a generator that ends them easily and cannot say how near it is to refusing',
  );
});

t.test('a long description does not drown what was wished for', async (t) => {
  const { engine, generated } = scripted();
  const long = { description: `a bakery ${'with bread '.repeat(150)}`, count: 5, like: ['crumbcraft'], max_length: 9 };
  await suggesterWith(engine, ranker).suggest(long, never);
  for (const prompt of generated[0]!.prompts)
    t.match(prompt, /^Business: a bakery with bread .* at most 9 letters\. something like crumbcraft\.\n/);
});

t.test('in the first round the best hints are shown, in others others', async (t) => {
  const { engine, generated, scored } = scripted();
  const few: Engine['generate'] = async (asked) => {
    generated.push(asked);
    const lines = [{ text: `${starts[generated.length]}dock`, logProbability: -8, tokens: 4 }];
    return { lines, emptySequences: 0, sequences: 2, promptTokens: 10, generatedTokens: 8, queuedMs: 0 };
  };
  const fitting = [
    'loaf',
    'yeast',
    'flour',
    'crust',
    'knead',
    'bake',
    'salt',
    'grain',
    'sugar',
    'icing',
    'sieve',
    'whisk',
  ];
  const remembered = fitting.map((word) => ({ word, rows: [], first: 0, last: 0 }));
  const vectors = Int8Array.from(fitting.flatMap((_, index) => [127 - index, 0]));
  const file = { dimensions: 2, rows: [], keys: [], words: remembered };
  const knowing = new Recall(file, new Int8Array(), vectors);
  const parts = { recall: knowing, relevance: new Relevance(embedder, knowing) };
  await suggesterWith({ ...engine, generate: few }, asksTheGenerator, parts).suggest({ ...request, count: 20 }, never);
  const shown = generated.map(({ prompts }) => /^Words: (.*)$/m.exec(prompts[0]!)![1]);
  t.equal(shown[0], fitting.slice(0, 7).join(', '));
  t.equal(scored[0]!.prompt, generated[0]!.prompts[0]);
  t.ok(shown.length > 1);
  t.not(shown[1], shown[0]);
});
