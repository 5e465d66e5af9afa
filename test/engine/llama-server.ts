import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildLlamaCpp } from '../../bench/llama-cpp.js';

/** A llama-server process of the release that node-llama-cpp serves with. */
export interface LlamaServer {
  /** Without a path. */
  url: string;
  process: ChildProcess;
  stop: () => Promise<void>;
}

/**
 * Starts one on a free port; resolves when its model is loaded. Builds it first where it is missing, which takes minutes.
 * @param slots continuations that it writes side by side
 */
export async function startLlamaServer(modelPath: string, slots: number): Promise<LlamaServer> {
  const program = join(await buildLlamaCpp(), 'llama-server');
  const context = String(slots * 512);
  const options = ['--model', modelPath, '--port', '0', '--parallel', String(slots), '--ctx-size', context];
  const child = spawn(program, [...options, '--threads', '1', '--no-webui'], { stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, 'close');
  const stop = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  const address = () => /listening on (http:\/\/\S+)/.exec(output)?.[1];
  const isReady = async (url: string) => (await fetch(`${url}/health`).catch(() => undefined))?.ok;
  for (;;) {
    const url = address();
    if (url !== undefined && (await isReady(url))) return { url, process: child, stop };
    if (child.exitCode !== null) throw new Error(`llama-server ended:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
