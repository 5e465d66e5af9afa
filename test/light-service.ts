import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { normalize, type Embedder } from '../src/engine/embedder.js';
import type { Engine } from '../src/engine/engine.js';
import { hash32, seededRandom } from '../src/engine/random.js';
import { resolveModel, resolveSafety } from '../src/models.js';
import { parseBrands } from '../src/names/brands.js';
import { parseWordFrequencies } from '../src/names/segment.js';
import { fromRoot } from '../src/paths.js';
import { loadHead, TrainedClassifier } from '../src/safety/classifier.js';
import { OutputGuard } from '../src/safety/output.js';
import { LexiconClassifier, Prefilter } from '../src/safety/prefilter.js';
import type { Service } from '../src/service.js';
import { rankerSchema } from '../src/suggest/rank.js';
import { Recall } from '../src/suggest/recall.js';
import { Relevance } from '../src/suggest/relevance.js';
import { Suggester } from '../src/suggest/suggester.js';
import { serviceAround } from './support.js';

const dimensions = 384;

/** A unit vector that depends on the text alone. */
function vectorOf(text: string): Float32Array {
  const random = seededRandom(hash32(text));
  return normalize(Float32Array.from({ length: dimensions }, () => random() - 0.5));
}

const embedder: Embedder = {
  dimensions,
  embed: (text) => Promise.resolve(vectorOf(text)),
  async *embedAll(text) {
    yield await Promise.resolve(vectorOf(text));
  },
  dispose: () => Promise.resolve(),
};

const written = ['crumbcraft', 'Loaf Saddle', '2. warmwheel.com', 'doughbell', 'bunbike', 'pay-pal', 'crustcourier'];

/** Writes the same lines for every prompt. */
const engine: Engine = {
  queueDepth: 0,
  generate: ({ sequences, signal }) => {
    signal.throwIfAborted();
    const lines = written.map((text) => ({ text, logProbability: -6, tokens: 4 }));
    return Promise.resolve({ lines, emptySequences: 0, sequences, promptTokens: 20, generatedTokens: 28, queuedMs: 0 });
  },
  score: ({ lines }) =>
    Promise.resolve({ lines: lines.map(() => ({ logProbability: -6, tokens: 4 })), promptTokens: 20, queuedMs: 0 }),
  dispose: () => Promise.resolve(),
};

/**
 * The service with every part real but its three neural networks: their places are taken by vectors made from a hash of
 * the text and by a list that is always the same. For tests that send thousands of requests.
 */
export async function loadLightService(): Promise<Service> {
  const { version, base, quantization, sha256, folder } = await resolveModel('served');
  const { headPath } = await resolveSafety();
  const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
  const brands = parseBrands(await readFile(fromRoot('data', 'brands.tsv'), 'utf8'));
  const recall = await Recall.load(folder);
  // Vectors of a hash say nothing of harm: the head's verdict on them is left to the lexicon's weight.
  const trained = new TrainedClassifier(embedder, await loadHead(headPath), { threshold: 1 });
  const suggester = new Suggester({
    engine,
    embedder,
    recall,
    relevance: new Relevance(embedder, recall),
    ranker: rankerSchema.parse(JSON.parse(await readFile(join(folder, 'ranker.json'), 'utf8'))),
    words,
    prefilter: new Prefilter(new LexiconClassifier(), trained),
    outputGuard: new OutputGuard(words, brands),
    glossary: { explain: (text) => text },
  });
  return serviceAround((request, signal) => suggester.suggest(request, signal), {
    info: { version, base, quantization, sha256 },
  });
}
