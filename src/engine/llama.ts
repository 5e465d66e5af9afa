import { getLlama, GgufInsights, LlamaLogLevel, type Llama, type LlamaModel } from 'node-llama-cpp';

export type GpuChoice = 'auto' | 'cuda' | 'metal' | 'vulkan' | false;

export interface LlamaOptions {
  /** Backend to compute on; `false` is the CPU. Defaults to `false`. */
  gpu?: GpuChoice;
  /** Called with what llama.cpp warns of. Defaults to dropping it. */
  onLog?: (level: LlamaLogLevel, message: string) => void;
}

/**
 * Loads the prebuilt llama.cpp binding; never compiles or downloads one.
 * @throws when no prebuilt binary fits this machine and `gpu`
 */
export async function loadLlama({ gpu = false, onLog }: LlamaOptions = {}): Promise<Llama> {
  return getLlama({
    gpu,
    build: 'never',
    skipDownload: true,
    // Contexts say themselves how many threads they use; sharing a budget between them cost a tenth of the speed.
    maxThreads: 0,
    logLevel: LlamaLogLevel.warn,
    logger: (level, message) => onLog?.(level, message),
  });
}

/** The internal method that says whether node-llama-cpp may try out what a model takes. The release is pinned; a test fails when it goes away. */
interface Simulates {
  _resolveSimulatorSource?(): Promise<unknown>;
}

/**
 * Has node-llama-cpp reckon what memory a model and its context will take. It would try it out instead: load the model's
 * vocabulary twice more, a third of a second each for 128,000 pieces, and keep one of them.
 * @returns whether there was anything to turn off
 */
export function skipSimulation(): boolean {
  const insights = GgufInsights.prototype as Simulates;
  if (!insights._resolveSimulatorSource) return false;
  insights._resolveSimulatorSource = () => Promise.resolve(null);
  return true;
}

/**
 * Loads a model into memory.
 * @throws when the file is missing or is not a GGUF
 */
export async function loadModel(llama: Llama, modelPath: string): Promise<LlamaModel> {
  if (llama.gpu === false) skipSimulation();
  // Read, not mapped: a mapped file that is truncated on disk ends the process with SIGBUS.
  const model = await llama.loadModel({
    modelPath,
    useMmap: false,
    ...(llama.gpu === false ? { gpuLayers: 0 } : {}),
  });
  forgetVocabulary(model);
  return model;
}

/** What node-llama-cpp keeps of the vocabulary as the file has it: hundreds of thousands of strings that llama.cpp has as well. */
function forgetVocabulary({ fileInfo }: LlamaModel): void {
  Object.assign(fileInfo.metadata.tokenizer.ggml, { tokens: [], scores: [], merges: [] });
}
