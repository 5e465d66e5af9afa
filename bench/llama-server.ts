import { join } from 'node:path';
import { z } from 'zod';
import { windowTokens } from '../src/engine/embedded.js';
import type { Sampling } from '../src/engine/engine.js';
import { freePort, withServer, type ServerProcess } from './server-process.js';

export interface LlamaServerSettings {
  /** Where the build of llama.cpp put its programs. */
  binFolder: string;
  modelPath: string;
  threads: number;
  /** Completions decoded side by side. */
  slots: number;
}

/** llama.cpp's own server on the CPU, with what only serves its page and its prompt cache turned off. */
export async function withLlamaServer<Result>(
  { binFolder, modelPath, threads, slots }: LlamaServerSettings,
  use: (server: ServerProcess) => Promise<Result>,
): Promise<Result> {
  const port = await freePort();
  const args = [
    ...['--model', modelPath, '--host', '127.0.0.1', '--port', String(port)],
    ...['--threads', String(threads), '--threads-batch', String(threads), '--n-gpu-layers', '0'],
    ...['--parallel', String(slots), '--ctx-size', String(slots * windowTokens), '--cont-batching'],
    ...['--no-webui', '--cache-ram', '0'],
  ];
  return withServer({ command: join(binFolder, 'llama-server'), args, port, readyPath: '/health' }, use);
}

export interface CompletionRequest {
  prompt: string;
  maxTokens: number;
  sampling: Sampling;
  seed: number;
  /** What the text is held to, in GBNF. */
  grammar?: string;
}

const completionSchema = z.object({
  content: z.string(),
  tokens_predicted: z.number(),
  stop_type: z.string(),
});

export interface Completion {
  text: string;
  /** Without the one that ends the text. */
  tokens: number;
}

/** Samples in the order and with the samplers of the engine. @throws when the server answers an error */
export async function complete(url: string, request: CompletionRequest): Promise<Completion> {
  const { prompt, maxTokens, sampling, seed, grammar } = request;
  const response = await fetch(`${url}/completion`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      prompt,
      n_predict: maxTokens,
      samplers: ['top_k', 'top_p', 'min_p', 'temperature'],
      temperature: sampling.temperature,
      top_k: sampling.topK,
      top_p: sampling.topP,
      min_p: sampling.minP,
      seed,
      cache_prompt: false,
      ...(grammar === undefined ? {} : { grammar }),
    }),
  });
  if (response.status !== 200) throw new Error(`llama-server answered ${response.status}: ${await response.text()}`);
  const { content, tokens_predicted, stop_type } = completionSchema.parse(await response.json());
  return { text: content, tokens: tokens_predicted - (stop_type === 'eos' ? 1 : 0) };
}

/** Five names, one a line. */
export const fiveNamesGrammar = 'root ::= name name name name name\nname ::= [a-z0-9-]{5,20} "\\n"\n';
