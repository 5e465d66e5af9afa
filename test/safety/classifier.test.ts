import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Embedder } from '../../src/engine/embedder.js';
import { loadHead, stretches, TrainedClassifier, type Head } from '../../src/safety/classifier.js';

/** Puts a text on the first axis when it speaks of drugs, on the second when of fraud, on the third otherwise. */
class KeywordEmbedder implements Embedder {
  readonly dimensions = 3;
  readonly seen: string[] = [];
  async embed(text: string): Promise<Float32Array> {
    this.seen.push(text);
    return Float32Array.from(text.includes('drugs') ? [1, 0, 0] : text.includes('fraud') ? [0, 1, 0] : [0, 0, 1]);
  }
  async *embedAll(text: string): AsyncGenerator<Float32Array> {
    yield await this.embed(text);
  }
  async dispose(): Promise<void> {}
}

class LlamaLikeEmbedder extends KeywordEmbedder {
  override async *embedAll(text: string, signal?: AbortSignal): AsyncGenerator<Float32Array> {
    signal?.throwIfAborted();
    yield await this.embed(text);
  }
}

const head: Head = {
  categories: ['none', 'drugs', 'fraud'],
  weights: [
    [0, 0, 6],
    [6, 0, 0],
    [0, 1, 0],
  ],
  bias: [0, 0, 0],
  threshold: 0.6,
};

t.test('harm is the probability of all categories but none, and the likeliest names it', async (t) => {
  const classifier = new TrainedClassifier(new KeywordEmbedder(), head);
  const powers = [1, Math.exp(6), 1];
  const { harm, category } = await classifier.judge('drugs by post');
  t.equal(category, 'drugs');
  t.ok(Math.abs(harm - (powers[1]! + powers[2]!) / (powers[0]! + powers[1]! + powers[2]!)) < 1e-9);
  t.same(await classifier.classify('drugs by post'), { label: 'refuse', category: 'drugs' });
  t.same(await classifier.classify('bread by post'), { label: 'allow' });
});

t.test('the threshold is the operator’s where one is given', async (t) => {
  const fraud = 'fraud school';
  t.equal((await new TrainedClassifier(new KeywordEmbedder(), head).classify(fraud)).label, 'refuse');
  t.equal(
    (await new TrainedClassifier(new KeywordEmbedder(), head, { threshold: 0.9 }).classify(fraud)).label,
    'allow',
  );
});

t.test('a category that is switched off counts for nothing, the others go on', async (t) => {
  const classifier = new TrainedClassifier(new KeywordEmbedder(), head, { allowed: ['drugs'] });
  t.equal((await classifier.classify('drugs by post')).label, 'allow');
  t.equal((await classifier.judge('fraud school')).category, 'fraud');
});

t.test('a disguise is judged both on and off', async (t) => {
  const embedder = new KeywordEmbedder();
  const classifier = new TrainedClassifier(embedder, head);
  const { harm, category } = await classifier.judge('d r u g s by post');
  t.same(embedder.seen, ['d r u g s by post', 'drugs by post']);
  t.equal(category, 'drugs');
  t.ok(harm > (await classifier.judge('bread by post')).harm);
  t.ok(harm < (await classifier.judge('drugs by post')).harm);
});

t.test('slips of the pen are judged mended too, which makes nothing less harmful', async (t) => {
  const embedder = new KeywordEmbedder();
  const mended = new TrainedClassifier(embedder, head, { mend: (text) => text.replace('durgs', 'drugs') });
  const { harm } = await mended.judge('durgs by post');
  t.same(embedder.seen, ['durgs by post', 'drugs by post']);
  t.equal(harm, (await mended.judge('drugs by post')).harm);
  embedder.seen.length = 0;
  await mended.judge('d u r g s by post');
  t.same(embedder.seen, ['d u r g s by post', 'durgs by post', 'drugs by post'], 'a disguise is undone before');
  const blinded = new TrainedClassifier(new KeywordEmbedder(), head, { mend: (text) => text.replace('drugs', 'rugs') });
  t.equal((await blinded.judge('drugs by post')).harm, (await mended.judge('drugs by post')).harm);
});

t.test('one harmful line at the end of a long text is found', async (t) => {
  const long = `${'We bake bread and serve coffee in a garden. '.repeat(40)}Ask for drugs at the counter.`;
  const parts = stretches(long);
  t.equal(parts[0], long);
  t.ok(parts.slice(1).every((part) => part.length <= 320));
  t.ok(parts.slice(1).every((part) => long.includes(part)));
  t.ok(parts.at(-1)!.endsWith('counter.'));
  t.equal((await new TrainedClassifier(new KeywordEmbedder(), head).classify(long)).label, 'refuse');
});

t.test('nothing of a long text is left out, however it is spaced', async (t) => {
  for (const text of ['x'.repeat(2000), 'word '.repeat(400).trim(), `${'y'.repeat(400)} ${'z '.repeat(300)}end`]) {
    const parts = stretches(text).slice(1);
    t.ok(parts.length < 20);
    for (const word of new Set(text.split(' '))) t.ok(parts.some((part) => part.includes(word)));
    t.ok(parts.reduce((sum, part) => sum + part.length, 0) >= text.length);
  }
});

t.test('an operator’s threshold does not loosen the clauses that cannot be switched off', async (t) => {
  const weapons: Head = { ...head, categories: ['none', 'weapons', 'fraud'] };
  const lax = new TrainedClassifier(new KeywordEmbedder(), weapons, { threshold: 1 });
  t.equal((await lax.classify('drugs by post')).label, 'refuse', 'the weapons of this head');
  t.equal((await lax.classify('fraud school')).label, 'allow');
});

t.test('a stretch against another clause does not hide one against a clause that cannot be switched off', async (t) => {
  const weapons: Head = {
    ...head,
    categories: ['none', 'weapons', 'fraud'],
    weights: [head.weights[0]!, [6, 0, 0], [0, 9, 0]],
  };
  const lax = new TrainedClassifier(new KeywordEmbedder(), weapons, { threshold: 1 });
  const filler = 'We bake bread and serve coffee in a garden. '.repeat(10);
  const text = `A word on drugs. ${filler}A word on fraud.`;
  t.equal((await lax.classify(text)).label, 'refuse');
});

t.test('who leaves is not judged to the end', async (t) => {
  const embedder = new LlamaLikeEmbedder();
  await t.rejects(new TrainedClassifier(embedder, head).classify('bread', AbortSignal.abort()), { name: 'AbortError' });
});

t.test('what cannot be judged is an error and no verdict', async (t) => {
  class BrokenEmbedder extends KeywordEmbedder {
    override async embed(): Promise<Float32Array> {
      return Float32Array.from([NaN, 0, 0]);
    }
  }
  const broken = new BrokenEmbedder();
  await t.rejects(new TrainedClassifier(broken, head).classify('bread'), /no number/);
  t.throws(
    () =>
      new TrainedClassifier(broken, {
        ...head,
        weights: [
          [0, 1],
          [0, 1],
          [0, 1],
        ],
      }),
    /3 dimensions/,
  );
});

t.test('a file that is no head is an error', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'head-'));
  const path = join(folder, 'head.json');
  await writeFile(path, JSON.stringify({ ...head, bias: [0] }));
  await t.rejects(loadHead(path));
  await writeFile(path, JSON.stringify(head));
  t.same(await loadHead(path), head);
});
