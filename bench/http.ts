import type { AnswerBody } from '../src/http/schemas.js';
import { buildPrompt } from '../src/suggest/prompt.js';
import { sampling } from '../src/suggest/suggester.js';
import { closedLoop, type LoopFigures } from './closed-loop.js';
import type { BenchContext } from './context.js';
import { inTurn } from './descriptions.js';
import { complete, fiveNamesGrammar, withLlamaServer } from './llama-server.js';
import type { Check, Section } from './section.js';
import { suggest, withService } from './service-process.js';
import { latencyColumns, median } from './statistics.js';

const listMaxTokens = 64;
/** Clients where the service's requests a second are held against llama-server's lists. */
const busyClients = 8;
const targets = { latencyRatio: 3, rateRatio: 1 / 4, guardsAndRanking: 0.12 };
/** What is neither recall nor the generator. */
const guardStages = ['prefilter', 'rank'] as const;

type Timing = AnswerBody['timing_ms'];

/** POST /suggest against one grammar-bound list of five from llama-server, for the same descriptions. */
export async function measureHttp(context: BenchContext): Promise<Section> {
  const { sizes, threads, sequences } = context;
  const served = new Map<number, LoopFigures<AnswerBody>>();
  const nextDescription = inTurn(context.descriptions.lawful);
  await withService({ threads, sequences }, async ({ url }) => {
    for (const [clients, count] of sizes.requests) {
      context.log(`http: service, ${clients} clients`);
      const work = (seed: number) => suggest(url, nextDescription(), seed);
      served.set(clients, await closedLoop({ clients, count, work }));
    }
  });
  const listed = await llamaServerLists(context);

  const clients = [...sizes.requests.keys()].map((number) => {
    const own = served.get(number)!;
    const theirs = listed.get(number)!;
    return {
      clients: number,
      ...prefixed('suggest', { ...latencyColumns(times(answered(own))), requests_per_s: rate(own) }),
      ...prefixed('llama_server', { ...latencyColumns(times(theirs.measured)), lists_per_s: rate(theirs) }),
      n_requests: own.measured.length,
      n_refused: own.measured.length - answered(own).length,
    };
  });
  const alone = answered(served.get(1)!);
  const timings = alone.map(({ result }) => result.timing_ms);
  const stages = (['prefilter', 'recall', 'queue', 'generate', 'rank', 'total'] as const).map((stage) => ({
    stage,
    ...latencyColumns(timings.map((timing) => timing[stage] ?? 0)),
    n_requests: timings.length,
  }));
  return {
    title: 'POST /suggest',
    notes: [
      'Every request has a description of its own, and no answer is cached. llama-server is asked once a description for a list of five names under a grammar, with the prompt, samplers, threads and number of sequences of the service; it does not refuse, recall, check or rank.',
      'Requests that were refused are left out of the latencies.',
    ],
    tables: { clients, stages },
    checks: checks(served, listed, timings),
  };
}

async function llamaServerLists(context: BenchContext): Promise<Map<number, LoopFigures<unknown>>> {
  const { binFolder, model, threads, sequences, sizes, descriptions } = context;
  const lists = new Map<number, LoopFigures<unknown>>();
  const nextDescription = inTurn(descriptions.lawful);
  await withLlamaServer({ binFolder, modelPath: model.modelPath, threads, slots: sequences }, async ({ url }) => {
    for (const [clients, count] of sizes.requests) {
      context.log(`http: llama-server, ${clients} clients`);
      const work = (seed: number) =>
        complete(url, {
          prompt: buildPrompt({ description: nextDescription(), hints: [] }),
          maxTokens: listMaxTokens,
          sampling,
          seed,
          grammar: fiveNamesGrammar,
        });
      lists.set(clients, await closedLoop({ clients, count, work }));
    }
  });
  return lists;
}

function checks(
  served: ReadonlyMap<number, LoopFigures<AnswerBody>>,
  listed: ReadonlyMap<number, LoopFigures<unknown>>,
  timings: readonly Timing[],
): Check[] {
  const [own, theirs] = [answered(served.get(1)!), listed.get(1)!.measured];
  const [ownBusy, theirsBusy] = [served.get(busyClients)!, listed.get(busyClients)!];
  const guards = timings.map((timing) => guardStages.reduce((sum, stage) => sum + (timing[stage] ?? 0), 0));
  return [
    {
      what: "p50 of POST /suggest over that of llama-server's single list, 1 client",
      value: median(times(own)) / median(times(theirs)),
      unit: '',
      bound: 'at most',
      target: targets.latencyRatio,
      n: `${own.length} requests, ${theirs.length} lists`,
    },
    {
      what: `requests/s over llama-server's lists/s, ${busyClients} clients`,
      value: rate(ownBusy) / rate(theirsBusy),
      unit: '',
      bound: 'at least',
      target: targets.rateRatio,
      n: `${ownBusy.measured.length} requests, ${theirsBusy.measured.length} lists`,
    },
    {
      what: 'guards and ranking, share of a request, median, 1 client',
      value: median(guards.map((ms, index) => ms / timings[index]!.total)),
      unit: '',
      bound: 'at most',
      target: targets.guardsAndRanking,
      n: `${timings.length} requests`,
    },
  ];
}

function answered({ measured }: LoopFigures<AnswerBody>) {
  return measured.filter(({ result }) => result.status === 'ok');
}

function times(measured: readonly { ms: number }[]): number[] {
  return measured.map(({ ms }) => ms);
}

function rate({ measured, seconds }: LoopFigures<unknown>): number {
  return measured.length / seconds;
}

function prefixed(prefix: string, columns: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [`${prefix}_${name}`, value]));
}
