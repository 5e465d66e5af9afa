import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Llama } from 'node-llama-cpp';
import type { Config } from './config.js';
import { EmbeddedEngine } from './engine/embedded.js';
import { LlamaEmbedder } from './engine/embedder.js';
import type { Engine, StandingEngine } from './engine/engine.js';
import { loadLlama } from './engine/llama.js';
import { RemoteEngine } from './engine/remote.js';
import { SupervisedEngine } from './engine/supervised.js';
import { resolveModel, resolveSafety, serviceVersion, sha256Of, type VerifiedModel } from './models.js';
import { parseBrands } from './names/brands.js';
import { parseWordFrequencies } from './names/segment.js';
import { fromRoot } from './paths.js';
import { loadHead, TrainedClassifier } from './safety/classifier.js';
import { OutputGuard } from './safety/output.js';
import { LexiconClassifier, Prefilter } from './safety/prefilter.js';
import { CachedSuggester } from './suggest/cache.js';
import { Metric, MetricEmbedder } from './suggest/metric.js';
import type { RedisLink } from './redis.js';
import { rankerSchema } from './suggest/rank.js';
import { SharedAnswers } from './suggest/shared-answers.js';
import { Recall } from './suggest/recall.js';
import { Relevance } from './suggest/relevance.js';
import { Suggester, type SuggesterParts } from './suggest/suggester.js';

/** Everything that answers with one model. */
export interface Service {
  info: Pick<VerifiedModel, 'version' | 'base' | 'quantization' | 'sha256'>;
  suggester: CachedSuggester;
  cacheEnabled: boolean;
  /** Whether the engine answers; false while one that failed is being replaced. */
  isUp(): boolean;
  /** How often the engine was replaced. */
  restarts(): number;
  /** The servers that run the model; absent where it runs in this process. */
  endpoints?: Engine['endpoints'];
  dispose(): Promise<void>;
}

export type SafetyConfig = Pick<Config, 'safetyThreshold' | 'safetyOff'>;
export type ServiceConfig = SafetyConfig &
  Pick<Config, 'model' | 'gpu' | 'threads' | 'sequences' | 'queueLimit' | 'stallMs' | 'cacheSize' | 'cacheTtlMs'> &
  Partial<Pick<Config, 'remote'>>;

/** What a service has from the process around it. */
export interface Surroundings {
  /** Shares answers with other replicas. Defaults to none. */
  redis?: RedisLink;
  /** Told when the engine goes down and comes up again. */
  onEngineChange?: (isUp: boolean, reason?: unknown) => void;
}

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
export async function loadService(
  config: ServiceConfig,
  verified?: VerifiedModel,
  { redis, onEngineChange }: Surroundings = {},
): Promise<Service> {
  const model = verified ?? (await resolveModel(config.model));
  const { parts, engine, dispose } = await loadParts(model, config, onEngineChange);
  const { cacheSize: size, cacheTtlMs: ttlMs } = config;
  const shared = redis && new SharedAnswers(redis, ttlMs);
  const cache = { size, ttlMs, version: await answersVersion(model, config), shared };
  const suggester = new CachedSuggester(new Suggester(parts), cache, () => engine.queueDepth);
  const { version, base, quantization, sha256 } = model;
  const info = { version, base, quantization, sha256 };
  return {
    info,
    suggester,
    cacheEnabled: size > 0,
    isUp: () => engine.isUp,
    restarts: () => engine.restarts,
    endpoints: engine.endpoints,
    dispose,
  };
}

/** What an answer follows from beside the request: the code, every model and list, and what the operator refuses. */
async function answersVersion(model: VerifiedModel, { safetyThreshold, safetyOff }: SafetyConfig): Promise<string> {
  const { modelPath, headPath } = await resolveSafety();
  const lists = ['words_en.tsv', 'brands.tsv'].map((name) => fromRoot('data', name));
  const memory = ['ranker.json', 'recall.json'].map((name) => join(model.folder, name));
  const files = [model.embedderPath, modelPath, headPath, ...lists, ...memory];
  const digests = await Promise.all(files.map((path) => sha256Of(path)));
  return JSON.stringify([serviceVersion, model.version, model.sha256, ...digests, safetyThreshold, safetyOff]);
}

/** The parts of a suggester over a verified model, for the service and for evaluation. */
export async function loadParts(
  model: Pick<VerifiedModel, 'modelPath' | 'embedderPath' | 'folder'>,
  config: Omit<ServiceConfig, 'model' | 'cacheSize' | 'cacheTtlMs'>,
  onEngineChange?: Surroundings['onEngineChange'],
): Promise<{ parts: SuggesterParts; engine: StandingEngine; dispose: () => Promise<void> }> {
  const { gpu, threads, sequences, queueLimit, stallMs, remote } = config;
  const llama = await loadLlama({ gpu });
  const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
  const brands = parseBrands(await readFile(fromRoot('data', 'brands.tsv'), 'utf8'));
  const [engine, plainEmbedder, recall, { prefilter, dispose: disposePrefilter }] = await Promise.all([
    remote
      ? new RemoteEngine({ ...remote, queueLimit })
      : SupervisedEngine.start(
          () => EmbeddedEngine.load(llama, { modelPath: model.modelPath, sequences, queueLimit, threads }),
          { stallMs, onChange: onEngineChange },
        ),
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
  return { parts, engine, dispose };
}
