import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Llama } from 'node-llama-cpp';
import type { Config } from './config.js';
import { EmbeddedEngine } from './engine/embedded.js';
import { LlamaEmbedder } from './engine/embedder.js';
import { settleAll } from './engine/deal.js';
import type { Engine, StandingEngine } from './engine/engine.js';
import { loadLlama } from './engine/llama.js';
import { RemoteEngine } from './engine/remote.js';
import { SupervisedEngine } from './engine/supervised.js';
import { resolveModel, resolveSafety, serviceVersion, sha256Of, verify, type VerifiedModel } from './models.js';
import { parseBrands } from './names/brands.js';
import { parseWordFrequencies, type WordFrequencies } from './names/segment.js';
import { mendSlips } from './names/spelling.js';
import { fromRoot } from './paths.js';
import { loadHead, TrainedClassifier } from './safety/classifier.js';
import { OutputGuard } from './safety/output.js';
import { LexiconClassifier, Prefilter } from './safety/prefilter.js';
import { noSay } from './safety/second-opinion.js';
import { CachedSuggester } from './suggest/cache.js';
import { Glossary } from './suggest/glossary.js';
import { Metric, MetricEmbedder } from './suggest/metric.js';
import type { RedisLink } from './redis.js';
import { rankerSchema } from './suggest/rank.js';
import { SharedAnswers } from './suggest/shared-answers.js';
import { Recall } from './suggest/recall.js';
import { Relevance } from './suggest/relevance.js';
import { Suggester, type SuggesterParts } from './suggest/suggester.js';

/** All code beside this file: guards, memory and ranking are part of what an answer follows from. */
const codeFolder = fileURLToPath(new URL('.', import.meta.url));

/** Everything that answers with one model. */
export interface Service {
  info: Pick<VerifiedModel, 'version' | 'base' | 'quantization' | 'sha256'>;
  suggester: CachedSuggester;
  cacheEnabled: boolean;
  /** Whether the engine answers; false while one that failed is being replaced. */
  isUp(): boolean;
  /** How often the engine was replaced. */
  restarts(): number;
  /** Milliseconds that the engine has been down; 0 while it is up. */
  downMs(): number;
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
  /** The binding, where it is being loaded already. */
  llama?: Promise<Llama>;
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
  /** Digest of its files. */
  sha256: string;
  dispose: () => Promise<void>;
}

const readWords = async () => parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));

/**
 * Loads the classifier that stands behind the lexicon.
 * @param loadingWords the word list, where it is being read already; else it is read
 * @throws ConfigError when a file is missing or corrupt
 */
export async function loadPrefilter(
  llama: Llama,
  { safetyThreshold, safetyOff, threads }: SafetyConfig & Pick<Config, 'threads'>,
  loadingWords?: Promise<WordFrequencies>,
): Promise<LoadedPrefilter> {
  const { modelPath, headPath, sha256 } = await resolveSafety();
  const [embedder, head, words] = await settleAll([
    LlamaEmbedder.load(llama, modelPath, threads),
    loadHead(headPath),
    loadingWords ?? readWords(),
  ] as const);
  const mend = (text: string) => mendSlips(text, words);
  const lexicon = new LexiconClassifier(safetyOff);
  const trained = new TrainedClassifier(embedder, head, { threshold: safetyThreshold, allowed: safetyOff, mend });
  return { prefilter: new Prefilter(lexicon, trained), lexicon, trained, sha256, dispose: () => embedder.dispose() };
}

/**
 * Loads the model, its memory and the guards.
 * @param verified the model that `config` names, where it was found already
 * @throws ConfigError when a file is missing or corrupt
 */
export async function loadService(
  config: ServiceConfig,
  verified?: VerifiedModel,
  { redis, ...surroundings }: Surroundings = {},
): Promise<Service> {
  const model = verified ?? (await resolveModel(config.model));
  const [{ parts, engine, safetySha256, dispose }, digests] = await settleAll([
    loadParts(model, config, surroundings),
    digestsOf(model),
  ]);
  const { cacheSize: size, cacheTtlMs: ttlMs } = config;
  const shared = redis && new SharedAnswers(redis, ttlMs);
  const cache = { size, ttlMs, version: answersVersion(model, safetySha256, digests, config), shared };
  const suggester = new CachedSuggester(new Suggester(parts), cache, () => engine.queueDepth);
  const { version, base, quantization, sha256 } = model;
  const info = { version, base, quantization, sha256 };
  return {
    info,
    suggester,
    cacheEnabled: size > 0,
    isUp: () => engine.isUp,
    restarts: () => engine.restarts,
    downMs: () => engine.downMs,
    endpoints: engine.endpoints,
    dispose,
  };
}

/** Of all code and lists that an answer follows from. */
async function digestsOf({ folder }: Pick<VerifiedModel, 'folder'>): Promise<string[]> {
  const code = await readdir(codeFolder, { recursive: true });
  const paths = [
    ...code.filter((path) => /\.[jt]s$/.test(path)).map((path) => join(codeFolder, path)),
    ...['words_en.tsv', 'brands.tsv', 'glossary.tsv'].map((name) => fromRoot('data', name)),
    ...['ranker.json', 'recall.json', 'recall.bin', 'metric.bin'].map((name) => join(folder, name)),
  ];
  return Promise.all(paths.toSorted().map((path) => sha256Of(path)));
}

/** What an answer follows from beside the request: the code, every model and list, and what the operator refuses. */
function answersVersion(
  model: VerifiedModel,
  safetySha256: string,
  digests: readonly string[],
  { safetyThreshold, safetyOff, remote }: Pick<ServiceConfig, 'safetyThreshold' | 'safetyOff' | 'remote'>,
): string {
  const models = [model.sha256, model.embedderSha256, safetySha256, model.secondOpinion];
  const elsewhere = remote ? [remote.model, ...remote.urls] : [];
  return JSON.stringify([serviceVersion, ...models, ...digests, safetyThreshold, safetyOff, elsewhere]);
}

interface Disposable {
  dispose(): Promise<unknown>;
}

/** The parts of a suggester over a verified model, for the service and for evaluation. What was loaded before a failure is let go. */
export async function loadParts(
  model: Pick<VerifiedModel, 'modelPath' | 'sha256' | 'embedderPath' | 'folder' | 'secondOpinion'>,
  config: Omit<ServiceConfig, 'model' | 'cacheSize' | 'cacheTtlMs'>,
  { llama: loadingLlama, onEngineChange }: Omit<Surroundings, 'redis'> = {},
): Promise<{ parts: SuggesterParts; engine: StandingEngine; safetySha256: string; dispose: () => Promise<void> }> {
  const { gpu, threads, sequences, queueLimit, stallMs, remote } = config;
  // What needs no binding is read while the binding is tried out, which takes a process of its own.
  const readingWords = readWords();
  const reading = settleAll([
    Recall.load(model.folder),
    readFile(join(model.folder, 'ranker.json'), 'utf8').then((text) => rankerSchema.parse(JSON.parse(text))),
    readingWords,
    readFile(fromRoot('data', 'brands.tsv'), 'utf8').then(parseBrands),
    readFile(fromRoot('data', 'glossary.tsv'), 'utf8'),
  ] as const);
  reading.catch(() => {});
  const llama = await (loadingLlama ?? loadLlama({ gpu }));
  const loaded: Disposable[] = [llama];
  const keep = async <Part extends Disposable>(loading: Promise<Part>): Promise<Part> => {
    const part = await loading;
    loaded.push(part);
    return part;
  };
  const dispose = async () => {
    for (const part of loaded.splice(0).toReversed()) await part.dispose();
  };
  let isFirst = true;
  const loadEmbedded = async () => {
    // Whenever the engine is replaced: the file may have changed since.
    if (!isFirst) await verify(model.modelPath, model.sha256);
    isFirst = false;
    return EmbeddedEngine.load(llama, { modelPath: model.modelPath, sequences, queueLimit, threads });
  };
  const startEngine = async (): Promise<StandingEngine> =>
    remote
      ? new RemoteEngine({ ...remote, queueLimit })
      : SupervisedEngine.start(loadEmbedded, { stallMs, onChange: onEngineChange });
  const load = async () => {
    const [engine, plainEmbedder, { prefilter, sha256: safetySha256 }, [recall, ranker, words, brands, glosses]] =
      await settleAll([
        keep(startEngine()),
        keep(LlamaEmbedder.load(llama, model.embedderPath, threads)),
        keep(loadPrefilter(llama, config, readingWords)),
        reading,
      ] as const);
    const embedder = new MetricEmbedder(plainEmbedder, await Metric.load(model.folder, plainEmbedder.dimensions));
    const relevance = new Relevance(embedder, recall);
    const outputGuard = new OutputGuard(words, brands);
    const glossary = new Glossary(glosses, words);
    // Other servers are not asked how near they are to refusing.
    const hasSay = config.safetyOff.length === 0 && !remote;
    const secondOpinion = model.secondOpinion && (hasSay ? model.secondOpinion : noSay);
    const guards = { prefilter, secondOpinion, outputGuard };
    const parts = { engine, embedder, recall, relevance, ranker, words, glossary, ...guards };
    return { parts, engine, safetySha256, dispose };
  };
  try {
    return await SupervisedEngine.whileBusy(load);
  } catch (error) {
    await dispose();
    throw error;
  }
}
