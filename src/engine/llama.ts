import { getLlama, LlamaLogLevel, type Llama } from 'node-llama-cpp';

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
