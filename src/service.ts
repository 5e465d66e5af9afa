import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Llama } from 'node-llama-cpp';
import type { Config } from './config.js';
import { EmbeddedEngine } from './engine/embedded.js';
import { LlamaEmbedder } from './engine/embedder.js';
import type { Engine } from './engine/engine.js';
import { loadLlama } from './engine/llama.js';
import { RemoteEngine } from './engine/remote.js';
import { resolveModel, resolveSafety, type VerifiedModel } from './models.js';
import { parseBrands } from './names/brands.js';
import { parseWordFrequencies } from './names/segment.js';
import { fromRoot } from './paths.js';
import { loadHead, TrainedClassifier } from './safety/classifier.js';
import { OutputGuard } from './safety/output.js';
import { LexiconClassifier, Prefilter } from './safety/prefilter.js';
import { CachedSuggester } from './suggest/cache.js';
import { Metric, MetricEmbedder } from './suggest/metric.js';
import { rankerSchema } from './suggest/rank.js';
import { Recall } from './suggest/recall.js';
import { Relevance } from './suggest/relevance.js';
import { Suggester, type SuggesterParts } from './suggest/suggester.js';

/** Everything that answers with one model. */
export interface Service {
  info: Pick<VerifiedModel, 'version' | 'base' | 'quantization' | 'sha256'>;
  suggester: CachedSuggester;
  cacheEnabled: boolean;
  /** The servers that run the model; absent where it runs in this process. */
  endpoints?: Engine['endpoints'];
  dispose(): Promise<void>;
}

export type SafetyConfig = Pick<Config, 'safetyThreshold' | 'safetyOff'>;
export type ServiceConfig = SafetyConfig &
  Pick<Config, 'model' | 'gpu' | 'threads' | 'sequences' | 'queueLimit' | 'cacheSize'> &
  Partial<Pick<Config, 'remote'>>;

/** The guard of descriptions, with its parts for those who want to look into them. */
export interface LoadedPrefilter {
  prefilter: Prefilter;
  lexicon: LexiconClassifier;
  trained: TrainedClassifier;
  dispose: () => Promise<void>;
}

/**
 * Loads the classifier that stands behind the lexicon.
 * @throws ConfigError when a file is missing or corrupt
 */
export async function loadPrefilter(
  llama: Llama,
  { safetyThreshold, safetyOff, threads }: SafetyConfig & Pick<Config, 'threads'>,
): Promise<LoadedPrefilter> {
  const { modelPath, headPath } = await resolveSafety();
  const [embedder, head] = await Promise.all([LlamaEmbedder.load(llama, modelPath, threads), loadHead(headPath)]);
  const lexicon = new LexiconClassifier(safetyOff);
  const trained = new TrainedClassifier(embedder, head, { threshold: safetyThreshold, allowed: safetyOff });
  return { prefilter: new Prefilter(lexicon, trained), lexicon, trained, dispose: () => embedder.dispose() };
}

/**
 * Loads the model, its memory and the guards.
 * @param verified the model that `config` names, where it was found already
 * @throws ConfigError when a file is missing or corrupt
 */
export async function loadService(config: ServiceConfig, verified?: VerifiedModel): Promise<Service> {
  const model = verified ?? (await resolveModel(config.model));
  const { parts, dispose } = await loadParts(model, config);
  const suggester = new CachedSuggester(new Suggester(parts), config.cacheSize, () => parts.engine.queueDepth);
  const { version, base, quantization, sha256 } = model;
  const info = { version, base, quantization, sha256 };
  return { info, suggester, cacheEnabled: config.cacheSize > 0, endpoints: parts.engine.endpoints, dispose };
}

/** The parts of a suggester over a verified model, for the service and for evaluation. */
export async function loadParts(
  model: Pick<VerifiedModel, 'modelPath' | 'embedderPath' | 'folder'>,
  config: Omit<ServiceConfig, 'model' | 'cacheSize'>,
): Promise<{ parts: SuggesterParts; dispose: () => Promise<void> }> {
  const { gpu, threads, sequences, queueLimit, remote } = config;
  const llama = await loadLlama({ gpu });
  const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
  const brands = parseBrands(await readFile(fromRoot('data', 'brands.tsv'), 'utf8'));
  const [engine, plainEmbedder, recall, { prefilter, dispose: disposePrefilter }] = await Promise.all([
    remote
      ? new RemoteEngine({ ...remote, queueLimit })
      : EmbeddedEngine.load(llama, { modelPath: model.modelPath, sequences, queueLimit, threads }),
    LlamaEmbedder.load(llama, model.embedderPath, threads),
    Recall.load(model.folder),
    loadPrefilter(llama, config),
  ]);
  const metric = await Metric.load(model.folder, plainEmbedder.dimensions);
  const embedder = new MetricEmbedder(plainEmbedder, metric);
  const relevance = new Relevance(embedder, recall);
  const ranker = rankerSchema.parse(JSON.parse(await readFile(join(model.folder, 'ranker.json'), 'utf8')));
  const parts = {
    engine,
    embedder,
    recall,
    relevance,
    ranker,
    words,
    prefilter,
    outputGuard: new OutputGuard(words, brands),
  };
  const dispose = async () => {
    await engine.dispose();
    await embedder.dispose();
    await disposePrefilter();
    await llama.dispose();
  };
  return { parts, dispose };
}
