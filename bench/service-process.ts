import { answerSchema, type AnswerBody } from '../src/http/schemas.js';
import { fromRoot } from '../src/paths.js';
import { freePort, withServer, type ServerProcess } from './server-process.js';

export interface ServiceSettings {
  threads: number;
  sequences: number;
  /** Answers kept in memory. Defaults to 0: every request is worked out. */
  cacheSize?: number;
}

/** Nothing is turned away or given up while it is measured. */
const patientDeadlineMs = 600_000;
const patientQueue = 1000;

/** The service as `npm start` runs it, on the CPU. */
export async function withService<Result>(
  { threads, sequences, cacheSize = 0 }: ServiceSettings,
  use: (server: ServerProcess) => Promise<Result>,
): Promise<Result> {
  const port = await freePort();
  const environment = {
    HOST: '127.0.0.1',
    PORT: String(port),
    GPU: 'false',
    THREADS: String(threads),
    SEQUENCES: String(sequences),
    CACHE_SIZE: String(cacheSize),
    QUEUE_LIMIT: String(patientQueue),
    DEADLINE_MS: String(patientDeadlineMs),
    LOG_LEVEL: 'warn',
    UV_THREADPOOL_SIZE: '1',
    MALLOC_MMAP_THRESHOLD_: '262144',
  };
  const args = [fromRoot('dist', 'src', 'cli.js'), 'serve'];
  return withServer({ command: process.execPath, args, environment, port, readyPath: '/readyz' }, use);
}

/** @throws when the answer is a problem */
export async function suggest(url: string, description: string, seed: number): Promise<AnswerBody> {
  const response = await fetch(`${url}/suggest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ description, seed }),
  });
  if (response.status !== 200) throw new Error(`POST /suggest answered ${response.status}: ${await response.text()}`);
  return answerSchema.parse(await response.json());
}
