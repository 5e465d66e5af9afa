import { EmbeddedEngine } from '../src/engine/embedded.js';
import { loadLlama } from '../src/engine/llama.js';
import { buildPrompt } from '../src/suggest/prompt.js';
import { sampling } from '../src/suggest/suggester.js';
import { batchedBench } from './batched-bench.js';
import { closedLoop, type LoopFigures } from './closed-loop.js';
import type { BenchContext } from './context.js';
import { inTurn } from './descriptions.js';
import { complete, withLlamaServer } from './llama-server.js';
import type { Check, Section } from './section.js';

const parallelLists = [1, 4, 8, 16];
/** Lists where the engine has to hold its own. */
const checkedLists = [8, 16];
const targetRatio = 0.9;
/** A whole list; most end by themselves before. */
const maxTokens = 64;
/** About the length of a prompt. */
const promptTokens = 32;

interface Speed {
  tokensPerSecond: number;
  lists: number;
}

/** Tokens a second of the engine in this process, of llama-server, and of llama.cpp's decoding alone. */
export async function measureEngine(context: BenchContext): Promise<Section> {
  const { binFolder, model, threads, descriptions, sizes, log } = context;
  log('engine: llama-batched-bench');
  const decoding = await batchedBench({
    binFolder,
    modelPath: model.modelPath,
    threads,
    parallel: parallelLists,
    promptTokens,
    generatedTokens: sizes.batchedTokens,
  });
  const lists = [];
  for (const parallel of parallelLists) {
    log(`engine: ${parallel} parallel lists`);
    const count = sizes.listsBesides + sizes.listsEach * parallel;
    const prompts = descriptions.lawful.map((description) => buildPrompt({ description, hints: [] }));
    const engine = await engineSpeed(context, prompts, parallel, count);
    const server = await llamaServerSpeed(context, prompts, parallel, count);
    lists.push({
      parallel_lists: parallel,
      engine_tokens_per_s: engine.tokensPerSecond,
      llama_server_tokens_per_s: server.tokensPerSecond,
      ratio: engine.tokensPerSecond / server.tokensPerSecond,
      llama_batched_bench_tokens_per_s: decoding.get(parallel) ?? NaN,
      n_lists: engine.lists,
    });
  }
  const checks = lists
    .filter(({ parallel_lists }) => checkedLists.includes(parallel_lists))
    .map(({ parallel_lists, ratio, n_lists }): Check => ({
      what: `engine's tokens/s over llama-server's, ${parallel_lists} parallel lists`,
      value: ratio,
      unit: '',
      bound: 'at least',
      target: targetRatio,
      n: `${n_lists} lists each`,
    }));
  return {
    title: 'Engine',
    notes: [
      `Generated tokens a second while so many lists are always in the making, each from the prompt of a description of its own, to its own end or ${maxTokens} tokens; evaluating the prompts is part of the time.`,
      'The engine is called in the process, llama-server over HTTP; same prompts, samplers, threads and window, no prompt cache.',
      'llama-batched-bench decodes only: no prompts in the time, no sampling, no text.',
    ],
    tables: { lists },
    checks,
  };
}

function speed({ measured, seconds }: LoopFigures<number>): Speed {
  const tokens = measured.reduce((sum, { result }) => sum + result, 0);
  return { tokensPerSecond: tokens / seconds, lists: measured.length };
}

async function engineSpeed(
  { model, threads }: BenchContext,
  prompts: readonly string[],
  parallel: number,
  count: number,
): Promise<Speed> {
  const llama = await loadLlama({ gpu: false });
  const engine = await EmbeddedEngine.load(llama, { modelPath: model.modelPath, sequences: parallel, threads });
  const nextPrompt = inTurn(prompts);
  const { signal } = new AbortController();
  try {
    const figures = await closedLoop({
      clients: parallel,
      count,
      work: async (seed) => {
        const request = { prompts: [nextPrompt()], sequences: 1, seed, maxTokens, sampling, signal };
        return (await engine.generate(request)).generatedTokens;
      },
    });
    return speed(figures);
  } finally {
    await engine.dispose();
    await llama.dispose();
  }
}

function llamaServerSpeed(
  { binFolder, model, threads }: BenchContext,
  prompts: readonly string[],
  parallel: number,
  count: number,
): Promise<Speed> {
  const nextPrompt = inTurn(prompts);
  return withLlamaServer({ binFolder, modelPath: model.modelPath, threads, slots: parallel }, async ({ url }) => {
    const figures = await closedLoop({
      clients: parallel,
      count,
      work: async (seed) => (await complete(url, { prompt: nextPrompt(), maxTokens, sampling, seed })).tokens,
    });
    return speed(figures);
  });
}
