import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.js';
import { EmbeddedEngine } from './engine/embedded.js';
import { LlamaEmbedder } from './engine/embedder.js';
import { loadLlama } from './engine/llama.js';
import { resolveModel, type VerifiedModel } from './models.js';
import { parseWordFrequencies } from './names/segment.js';
import { fromRoot } from './paths.js';
import { OutputGuard } from './safety/output.js';
import { LexiconClassifier, Prefilter, type SafetyClassifier } from './safety/prefilter.js';
import { CachedSuggester } from './suggest/cache.js';
import { rankerSchema } from './suggest/rank.js';
import { Recall } from './suggest/recall.js';
import { Relevance } from './suggest/relevance.js';
import { Suggester, type SuggesterParts } from './suggest/suggester.js';

/** Everything that answers with one model. */
export interface Service {
  info: Pick<VerifiedModel, 'version' | 'base' | 'quantization' | 'sha256'>;
  suggester: CachedSuggester;
  cacheEnabled: boolean;
  dispose(): Promise<void>;
}

export type ServiceConfig = Pick<Config, 'model' | 'gpu' | 'threads' | 'sequences' | 'queueLimit' | 'cacheSize'>;

export function makePrefilter(): SafetyClassifier {
  return new Prefilter([new LexiconClassifier()]);
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
  return { info, suggester, cacheEnabled: config.cacheSize > 0, dispose };
}

/** The parts of a suggester over a verified model, for the service and for evaluation. */
export async function loadParts(
  model: Pick<VerifiedModel, 'modelPath' | 'embedderPath' | 'folder'>,
  { gpu, threads, sequences, queueLimit }: Omit<ServiceConfig, 'model' | 'cacheSize'>,
): Promise<{ parts: SuggesterParts; dispose: () => Promise<void> }> {
  const llama = await loadLlama({ gpu });
  const words = parseWordFrequencies(await readFile(fromRoot('data', 'words_en.tsv'), 'utf8'));
  const [engine, embedder, recall] = await Promise.all([
    EmbeddedEngine.load(llama, { modelPath: model.modelPath, sequences, queueLimit, threads }),
    LlamaEmbedder.load(llama, model.embedderPath, threads),
    Recall.load(model.folder),
  ]);
  const relevance = new Relevance(embedder, recall);
  const ranker = rankerSchema.parse(JSON.parse(await readFile(join(model.folder, 'ranker.json'), 'utf8')));
  const parts = {
    engine,
    embedder,
    recall,
    relevance,
    ranker,
    words,
    prefilter: makePrefilter(),
    outputGuard: new OutputGuard(words),
  };
  const dispose = async () => {
    await engine.dispose();
    await embedder.dispose();
    await llama.dispose();
  };
  return { parts, dispose };
}
