import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface ServerOptions {
  command: string;
  args: readonly string[];
  /** Added to this process's environment. */
  environment?: Record<string, string>;
  port: number;
  /** Answers 200 once the server is ready. */
  readyPath: string;
}

/** A server in a process of its own. */
export interface ServerProcess {
  url: string;
  /** From spawning to the first 200 of `readyPath`. */
  readyMs: number;
  /** Resident memory in megabytes of 2^20 bytes. */
  residentMb: () => Promise<number>;
}

const pollMs = 10;
const startLimitMs = 600_000;
const stopLimitMs = 30_000;
const keptOutput = 4000;

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts a server, hands it to `use` when it is ready, and stops it, whatever comes of it.
 * @throws with what the server wrote last when it ends or is not ready in ten minutes
 */
export async function withServer<Result>(
  { command, args, environment, port, readyPath }: ServerOptions,
  use: (server: ServerProcess) => Promise<Result>,
): Promise<Result> {
  const startedAt = performance.now();
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-keptOutput)));
  const ended = once(child, 'exit');
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const url = `http://127.0.0.1:${port}`;
  try {
    await once(child, 'spawn');
    while (!(await answers(url + readyPath))) {
      if (!isRunning()) throw new Error(`${command} ended before it was ready:\n${output}`);
      if (performance.now() - startedAt > startLimitMs) throw new Error(`${command} is not ready:\n${output}`);
      await sleep(pollMs);
    }
    const readyMs = performance.now() - startedAt;
    return await use({ url, readyMs, residentMb: () => residentMb(child.pid!) });
  } finally {
    if (isRunning()) {
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
      await ended;
      clearTimeout(limit);
    }
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Nothing listens yet.
    return false;
  }
}

/** VmRSS of /proc on Linux, `ps` elsewhere; both count in kilobytes. */
async function residentMb(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}
