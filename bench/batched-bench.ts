import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

export interface BatchedBenchSettings {
  binFolder: string;
  modelPath: string;
  threads: number;
  /** How many sequences are decoded side by side, one figure each. */
  parallel: readonly number[];
  promptTokens: number;
  generatedTokens: number;
}

const lineSchema = z.object({ pl: z.number(), speed_tg: z.number() });

/** Tokens a second that llama-batched-bench decodes, without sampling or text, by how many sequences it has. */
export async function batchedBench(settings: BatchedBenchSettings): Promise<Map<number, number>> {
  const { binFolder, modelPath, threads, parallel, promptTokens, generatedTokens } = settings;
  const { stdout, stderr } = await promisify(execFile)(join(binFolder, 'llama-batched-bench'), [
    ...['--model', modelPath, '--threads', String(threads), '--threads-batch', String(threads), '--n-gpu-layers', '0'],
    ...['--ctx-size', String(Math.max(...parallel) * (promptTokens + generatedTokens))],
    ...['-npp', String(promptTokens), '-ntg', String(generatedTokens), '-npl', parallel.join(',')],
    ...['--output-format', 'jsonl'],
  ]);
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.startsWith('{"n_kv_max"'));
  return new Map(
    lines.map((line) => {
      const { pl, speed_tg } = lineSchema.parse(JSON.parse(line));
      return [pl, speed_tg];
    }),
  );
}
