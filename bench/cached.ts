import autocannon from 'autocannon';
import { fromRoot } from '../src/paths.js';
import type { BenchContext } from './context.js';
import type { Section } from './section.js';
import { freePort, withServer } from './server-process.js';
import { suggest, withService } from './service-process.js';

const connections = 8;
const targetShare = 0.6;
const warmUpShare = 0.2;
const seed = 1;
const cacheSize = 1000;

/** One request over and over, answered from the cache, against a bare Fastify route with the same answer. */
export async function measureCached({ threads, sequences, descriptions, sizes, log }: BenchContext): Promise<Section> {
  const description = descriptions.lawful[0]!;
  const load = async (server: string, url: string) => {
    log(`cached: ${server}`);
    await hammer(url, description, Math.max(1, Math.round(sizes.cachedSeconds * warmUpShare)));
    return { server, ...(await hammer(url, description, sizes.cachedSeconds)) };
  };
  const { answer, own } = await withService({ threads, sequences, cacheSize }, async ({ url }) => ({
    answer: await suggest(url, description, seed),
    own: await load('service, cached answer', url),
  }));
  const port = await freePort();
  const bare = await withServer(
    {
      command: process.execPath,
      args: [fromRoot('dist', 'bench', 'bare-route.js')],
      environment: { PORT: String(port), ANSWER: JSON.stringify(answer), UV_THREADPOOL_SIZE: '1' },
      port,
      readyPath: '/readyz',
    },
    ({ url }) => load('bare Fastify route', url),
  );
  return {
    title: 'Cached answers',
    notes: [
      `autocannon, ${connections} connections, ${sizes.cachedSeconds} s; one request, whose answer is known. The bare route answers the same JSON and checks nothing.`,
    ],
    tables: { servers: [own, bare] },
    checks: [
      {
        what: "cached answers/s over a bare Fastify route's",
        value: own.requests_per_s / bare.requests_per_s,
        unit: '',
        bound: 'at least',
        target: targetShare,
        n: `${own.n_requests} and ${bare.n_requests} requests`,
      },
    ],
  };
}

/** @throws when a request failed: the figures would be those of errors */
async function hammer(url: string, description: string, seconds: number) {
  const { requests, latency, errors, non2xx } = await autocannon({
    url: `${url}/suggest`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ description, seed }),
    connections,
    duration: seconds,
  });
  if (errors + non2xx > 0) throw new Error(`${errors} requests failed and ${non2xx} were not answered 200`);
  return { requests_per_s: requests.average, p50_ms: latency.p50, p99_ms: latency.p99, n_requests: requests.total };
}
