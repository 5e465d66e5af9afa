import type {
  ControlledEvaluateIndexOutput,
  Llama,
  LlamaContext,
  LlamaContextSequence,
  LlamaModel,
  Token,
} from 'node-llama-cpp';
import type {
  GenerateRequest,
  GeneratedLine,
  Generation,
  Sampling,
  ScoredLine,
  ScoreRequest,
  SequenceRequest,
  Scoring,
} from './engine.js';
import { deal, settleAll } from './deal.js';
import { Gate } from './gate.js';
import { hash32 } from './random.js';
import type { WatchedEngine } from './supervised.js';

export interface EmbeddedEngineOptions {
  modelPath: string;
  /** Name lists decoded side by side. Defaults to 12. */
  sequences?: number;
  /** Requests that may wait for sequences. Defaults to 64. */
  queueLimit?: number;
  /** CPU threads. Defaults to what the Llama instance allows. */
  threads?: number;
}

/** Tokens a sequence can hold: the longest prompt that is kept, and a list. */
const promptWindow = 288;
const listWindow = 96;

/**
 * The internal method by which node-llama-cpp copies a sequence's state to another of the same context: a millisecond,
 * where evaluating the prompt again costs as much as a list. The release is pinned; a test fails when it goes away.
 */
interface CopiesState {
  _copyStateFromOtherSequence?(other: LlamaContextSequence, upToTokenIndex: number): Promise<boolean>;
}

/** A GGUF model in this process, through node-llama-cpp: one context whose sequences are lent to requests. */
export class EmbeddedEngine implements WatchedEngine {
  /** Tokens, prompts and lines done so far. */
  progress = 0;
  private readonly _gate: Gate<LlamaContextSequence>;
  private readonly _lineBreaks: ReadonlySet<Token>;

  private constructor(
    private readonly _model: LlamaModel,
    private readonly _context: LlamaContext,
    sequences: number,
    queueLimit: number,
  ) {
    const pool = Array.from({ length: sequences }, () => _context.getSequence());
    this._gate = new Gate(pool, queueLimit);
    this._lineBreaks = new Set(_model.tokenize('a\n').slice(-1));
  }

  /** @throws when the file cannot be loaded or the context does not fit into memory */
  static async load(
    llama: Llama,
    { modelPath, sequences = 12, queueLimit = 64, threads }: EmbeddedEngineOptions,
  ): Promise<EmbeddedEngine> {
    // Read, not mapped: a mapped file that is truncated on disk ends the process with SIGBUS.
    const model = await llama.loadModel({ modelPath, useMmap: false });
    const context = await model.createContext({
      sequences,
      contextSize: promptWindow + listWindow,
      batchSize: 512,
      threads,
    });
    return new EmbeddedEngine(model, context, sequences, queueLimit);
  }

  get queueDepth(): number {
    return this._gate.queueDepth;
  }

  async generate(request: GenerateRequest): Promise<Generation> {
    return this._lend(request, (pool) => this._run(pool, request));
  }

  async score(request: ScoreRequest): Promise<Scoring> {
    const { prompt, lines, sequences, signal } = request;
    if (lines.length === 0) return { lines: [], promptTokens: 0, queuedMs: 0 };
    const tokens = this._promptTokens(prompt);
    return this._lend({ ...request, sequences: Math.min(sequences, lines.length) }, async (pool) => ({
      lines: await this._weigh(pool, tokens, lines, signal),
      promptTokens: tokens.length,
    }));
  }

  async dispose(): Promise<void> {
    this._gate.close();
    await this._context.dispose();
    await this._model.dispose();
  }

  /** Does work on sequences from the pool and gives them back, whatever comes of it. */
  private async _lend<Result>(
    { sequences, signal, isContinued, client }: SequenceRequest,
    work: (pool: readonly LlamaContextSequence[]) => Promise<Result>,
  ): Promise<Result & { queuedMs: number }> {
    const queuedAt = performance.now();
    const pool = await this._gate.acquire({ count: sequences, isContinued, client, signal });
    const queuedMs = performance.now() - queuedAt;
    try {
      return { ...(await work(pool)), queuedMs };
    } finally {
      this._gate.release(pool);
    }
  }

  private async _run(
    pool: readonly LlamaContextSequence[],
    { prompts, seed, maxTokens, sampling, signal }: GenerateRequest,
  ): Promise<Omit<Generation, 'queuedMs'>> {
    const groups = deal(pool, prompts.length).map((sequences, index) => ({
      sequences,
      tokens: this._promptTokens(prompts[index]!),
    }));
    const results = await settleAll(
      groups.map(async ({ sequences, tokens }, group) => {
        await share(sequences, tokens.slice(0, -1), signal);
        this.progress++;
        return settleAll(
          sequences.map((sequence, index) =>
            this._sample(sequence, tokens.slice(-1), hash32(seed, group, index), maxTokens, sampling, signal),
          ),
        );
      }),
    );
    signal.throwIfAborted();
    const lists = results.flat();
    return {
      lines: lists.flatMap((list) => list.lines),
      emptySequences: lists.filter((list) => list.lines.length === 0).length,
      sequences: lists.length,
      promptTokens: groups.reduce((sum, group) => sum + group.tokens.length, 0),
      generatedTokens: lists.reduce((sum, list) => sum + list.tokens, 0),
    };
  }

  /** Deals the lines to sequences that share the prompt's state; each takes its lines one after the other. */
  private async _weigh(
    pool: readonly LlamaContextSequence[],
    prompt: Token[],
    lines: readonly string[],
    signal: AbortSignal,
  ): Promise<ScoredLine[]> {
    const scored: ScoredLine[] = [];
    const tokens = lines.map((line, index) => ({ index, line: this._model.tokenize(`${line}\n`, false) }));
    await share(pool, prompt.slice(0, -1), signal);
    this.progress++;
    await settleAll(
      deal(tokens, pool.length).map(async (dealt, hand) => {
        const sequence = pool[hand]!;
        const firsts = dealt.map(({ line }) => line[0]!);
        const [opening] = await sequence.controlledEvaluate([[prompt.at(-1)!, askFor(firsts)]]);
        const start = sequence.nextTokenIndex;
        for (const { index, line } of dealt) {
          signal.throwIfAborted();
          const input = line
            .slice(0, -1)
            .map((token, i): [Token, ReturnType<typeof askFor>] => [token, askFor([line[i + 1]!])]);
          const outputs = [opening, ...(await sequence.controlledEvaluate(input))];
          await sequence.eraseContextTokenRanges([{ start, end: sequence.nextTokenIndex }]);
          const logProbability = line.reduce((sum, token, i) => sum + logProbabilityOf(token, outputs[i]), 0);
          this.progress++;
          scored[index] = { logProbability, tokens: line.length };
        }
      }),
    );
    return scored;
  }

  /** Text never becomes a control token; a prompt over the window loses the end of its first line, not its last. */
  private _promptTokens(prompt: string): Token[] {
    const firstLineEnd = prompt.indexOf('\n');
    const head = this._model.tokenize(prompt.slice(0, firstLineEnd), false);
    const tail = this._model.tokenize(prompt.slice(firstLineEnd), false);
    const { bos, shouldPrependBosToken } = this._model.tokens;
    const start = shouldPrependBosToken && bos !== null ? [bos] : [];
    return [...start, ...head.slice(0, promptWindow - tail.length - start.length), ...tail];
  }

  private async _sample(
    sequence: LlamaContextSequence,
    input: Token[],
    seed: number,
    maxTokens: number,
    sampling: Sampling,
    signal: AbortSignal,
  ): Promise<{ lines: GeneratedLine[]; tokens: number }> {
    const lines: GeneratedLine[] = [];
    let line: Token[] = [];
    let logProbability = 0;
    let tokens = 0;
    const endLine = () => {
      const text = this._model.detokenize(line).trim();
      if (text !== '') lines.push({ text, logProbability, tokens: line.length });
      line = [];
      logProbability = 0;
    };
    for await (const { token, confidence } of sequence.evaluateWithMetadata(
      input,
      { confidence: true },
      { ...sampling, seed },
    )) {
      if (signal.aborted) break;
      tokens++;
      this.progress++;
      line.push(token);
      logProbability += Math.log(confidence);
      if (this._lineBreaks.has(token)) endLine();
      if (tokens >= Math.min(maxTokens, listWindow)) return { lines, tokens };
    }
    // The end-of-text token is not handed out; a name that stands before it without a line break is whole.
    endLine();
    return { lines, tokens };
  }
}

/** Asks for the logits of tokens that may come next, of the likeliest one, and for the sum that normalizes them. */
function askFor(tokens: Token[]) {
  return { generateNext: { logits: { filter: { tokens, includeSelected: true } }, totalLogitWeight: true } } as const;
}

/** Natural logarithm of a next token's probability from what `askFor` gave: without sampling options the likeliest is selected. */
function logProbabilityOf(token: Token, output: ControlledEvaluateIndexOutput | undefined): number {
  const { logits, totalLogitWeight } = output?.next ?? {};
  const logit = logits?.get(token);
  if (logits === undefined || logit === undefined || totalLogitWeight === undefined)
    throw new Error('the model gave no logit for a token that was asked for');
  return logit - Math.max(...logits.values()) - Math.log(totalLogitWeight);
}

/** Evaluates the prompt in the first sequence and copies its state to the others. */
async function share(sequences: readonly LlamaContextSequence[], tokens: Token[], signal: AbortSignal): Promise<void> {
  const [leader, ...followers] = sequences;
  if (!leader) return;
  signal.throwIfAborted();
  await leader.clearHistory();
  await leader.evaluateWithoutGeneratingNewTokens(tokens);
  for (const follower of followers) {
    await follower.clearHistory();
    const copied = await (follower as CopiesState)._copyStateFromOtherSequence?.(leader, tokens.length);
    if (!copied) {
      await follower.clearHistory();
      await follower.evaluateWithoutGeneratingNewTokens(tokens);
    }
  }
}
