import type {
  ControlledEvaluateIndexOutput,
  ControlledEvaluateInputItem,
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
  Question,
  Sampling,
  ScoredLine,
  ScoreRequest,
  SequenceRequest,
  Scoring,
} from './engine.js';
import { deal, settleAll } from './deal.js';
import { Garbage } from './garbage.js';
import { Gate } from './gate.js';
import { loadModel } from './llama.js';
import { Lockstep } from './lockstep.js';
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
const promptWindow = 192;
const listWindow = 64;
export const windowTokens = promptWindow + listWindow;
/** How often a sequence may begin where one that ends before its first name is no answer. */
const attempts = 6;

/**
 * The internal method by which node-llama-cpp copies a sequence's state to another of the same context: a millisecond,
 * where evaluating the prompt again costs as much as a list. The release is pinned; a test fails when it goes away.
 */
interface CopiesState {
  _copyStateFromOtherSequence?(other: LlamaContextSequence, upToTokenIndex: number): Promise<boolean>;
}

/** A sequence of the context and its number there. */
interface Slot {
  place: number;
  sequence: LlamaContextSequence;
}

/** A GGUF model in this process, through node-llama-cpp: one context whose sequences are lent to requests. */
export class EmbeddedEngine implements WatchedEngine {
  /** Tokens, prompts and lines done so far. */
  progress = 0;
  private readonly _gate: Gate<Slot>;
  private readonly _lineBreaks: ReadonlySet<Token>;
  private readonly _lockstep = new Lockstep();
  private readonly _garbage = new Garbage();

  private constructor(
    private readonly _model: LlamaModel,
    private readonly _context: LlamaContext,
    sequences: number,
    queueLimit: number,
  ) {
    const pool = Array.from({ length: sequences }, (_, place): Slot => ({ place, sequence: _context.getSequence() }));
    this._gate = new Gate(pool, queueLimit);
    this._lineBreaks = new Set(_model.tokenize('a\n').slice(-1));
  }

  /** @throws when the file cannot be loaded or the context does not fit into memory */
  static async load(
    llama: Llama,
    { modelPath, sequences = 12, queueLimit = 64, threads }: EmbeddedEngineOptions,
  ): Promise<EmbeddedEngine> {
    const model = await loadModel(llama, modelPath);
    const context = await model.createContext({
      sequences,
      contextSize: windowTokens,
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
    const { prompt, lines, sequences, question, signal } = request;
    const asked = question && this._questionTokens(question);
    if (lines.length === 0) return { lines: [], promptTokens: 0, queuedMs: 0 };
    const tokens = this._promptTokens(prompt);
    return this._lend({ ...request, sequences: Math.min(sequences, lines.length) }, async (pool) => ({
      lines: await this._weigh(pool, tokens, lines, asked, signal),
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
    work: (pool: readonly Slot[]) => Promise<Result>,
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
    pool: readonly Slot[],
    { prompts, seed, maxTokens, sampling, asksRefusal, signal }: GenerateRequest,
  ): Promise<Omit<Generation, 'queuedMs'>> {
    const groups = deal(pool, prompts.length).map((slots, index) => ({
      slots,
      tokens: this._promptTokens(prompts[index]!),
    }));
    const results = await settleAll(
      groups.map(async ({ slots, tokens }, group) => {
        const shared = tokens.slice(0, -1);
        const isAsked = asksRefusal && group === prompts.length - 1;
        const refusal = await this._share(slots, shared.length, signal, async (leader) => {
          if (isAsked) return this._refusal(leader, tokens);
          await leader.evaluateWithoutGeneratingNewTokens(shared);
          return undefined;
        });
        const lists = await settleAll(
          slots.map(async (slot, index) => {
            for (let attempt = 0; ; attempt++) {
              const parts = attempt === 0 ? [group, index] : [group, index, attempt];
              const list = await this._sample(
                slot,
                tokens.slice(-1),
                hash32(seed, ...parts),
                maxTokens,
                sampling,
                signal,
              );
              if (list.tokens > 0 || !asksRefusal || attempt + 1 === attempts) return list;
              signal.throwIfAborted();
              await forgetFrom(slot.sequence, shared.length);
            }
          }),
        );
        return { lists, refusal };
      }),
    );
    this._garbage.left(groups.length + pool.length);
    signal.throwIfAborted();
    const lists = results.flatMap((result) => result.lists);
    return {
      lines: lists.flatMap((list) => list.lines),
      emptySequences: lists.filter((list) => list.lines.length === 0).length,
      refusal: results.at(-1)?.refusal,
      sequences: lists.length,
      promptTokens: groups.reduce((sum, group) => sum + group.tokens.length, 0),
      generatedTokens: lists.reduce((sum, list) => sum + list.tokens, 0),
    };
  }

  /**
   * Deals the lines, longest first, to sequences that share the prompt's state; each takes its lines one after the other. In
   * each round all take equally many tokens, if need be some that nobody asks about, for llama.cpp to decode them as one.
   */
  private async _weigh(
    pool: readonly Slot[],
    prompt: Token[],
    lines: readonly string[],
    question: Record<keyof Question, Token> | undefined,
    signal: AbortSignal,
  ): Promise<ScoredLine[]> {
    const scored: ScoredLine[] = [];
    const [filler] = this._lineBreaks;
    const tokens = lines
      .map((line, index) => ({ index, line: this._model.tokenize(`${line}\n`, false) }))
      .toSorted((a, b) => b.line.length - a.line.length);
    const asked: ControlledEvaluateInputItem[] = prompt.slice(0, -1);
    asked.push([prompt.at(-1)!, askFor(tokens.map(({ line }) => line[0]!))]);
    const opening = (await this._share(pool, prompt.length, signal, (leader) => leader.controlledEvaluate(asked))).at(
      -1,
    );
    await settleAll(
      deal(tokens, pool.length).map((dealt, hand) => {
        const { place, sequence } = pool[hand]!;
        return this._lockstep.join(place, async (step) => {
          for (const [round, { index, line }] of dealt.entries()) {
            const input: ControlledEvaluateInputItem[] = line
              .slice(0, -1)
              .map((token, i) => [token, askFor([line[i + 1]!])]);
            const longest = tokens[round * pool.length]!.line.length;
            if (question) input.push([question.mark, { generateNext: { logits: choiceOf(question) } }]);
            input.push(...Array.from({ length: longest - line.length }, () => filler!));
            await step();
            signal.throwIfAborted();
            const outputs = [opening, ...(await sequence.controlledEvaluate(input))];
            await forgetFrom(sequence, prompt.length);
            const logProbability = line.reduce((sum, token, i) => sum + logProbabilityOf(token, outputs[i]), 0);
            const verdict = question && logOdds(question.yes, question.no, outputs[line.length]);
            this.progress++;
            scored[index] = { logProbability, tokens: line.length, verdict };
          }
        });
      }),
    );
    this._garbage.left(1 + lines.length);
    return scored;
  }

  /** Evaluates a prompt but for its last token, which is only looked behind: the log-odds that the model has nothing to say. */
  private async _refusal(sequence: LlamaContextSequence, prompt: readonly Token[]): Promise<number> {
    const { eos } = this._model.tokens;
    if (eos === null) throw new Error('the model has no token that ends a text');
    const input: ControlledEvaluateInputItem[] = prompt.slice(0, -1);
    const outputs = await sequence.controlledEvaluate([...input, [prompt.at(-1)!, askFor([eos])]]);
    await forgetFrom(sequence, prompt.length - 1);
    const logProbability = logProbabilityOf(eos, outputs.at(-1));
    return logProbability - Math.log(Math.max(smallest, -Math.expm1(logProbability)));
  }

  /** @throws when the mark or an answer is not one token of this model */
  private _questionTokens({ mark, yes, no }: Question): Record<keyof Question, Token> {
    const [markToken, yesToken, noToken] = [mark, yes, no].map((text) => {
      const [token, ...rest] = this._model.tokenize(text, false);
      if (token === undefined || rest.length > 0) throw new Error(`"${text}" is not one token of the model`);
      return token;
    });
    return { mark: markToken!, yes: yesToken!, no: noToken! };
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
    { place, sequence }: Slot,
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
    const isWhole = await this._lockstep.join(place, async (step) => {
      await step();
      for await (const { token, confidence } of sequence.evaluateWithMetadata(
        input,
        { confidence: true },
        { ...sampling, seed },
      )) {
        if (signal.aborted) return false;
        tokens++;
        this.progress++;
        line.push(token);
        logProbability += Math.log(confidence);
        if (this._lineBreaks.has(token)) endLine();
        if (tokens >= Math.min(maxTokens, listWindow)) return false;
        await step();
      }
      return true;
    });
    // The end-of-text token is not handed out; a name that stands before it without a line break is whole.
    if (isWhole) endLine();
    return { lines, tokens };
  }

  /** Evaluates the prompt, of so many tokens, in the first sequence and copies its state to the others. */
  private async _share<Result>(
    [leader, ...followers]: readonly Slot[],
    length: number,
    signal: AbortSignal,
    evaluate: (sequence: LlamaContextSequence) => Promise<Result>,
  ): Promise<Result> {
    signal.throwIfAborted();
    if (!leader) throw new RangeError('no sequence to evaluate the prompt in');
    await leader.sequence.clearHistory();
    const result = await this._lockstep.join(leader.place, async (step) => {
      await step();
      return evaluate(leader.sequence);
    });
    for (const { sequence } of followers) {
      await sequence.clearHistory();
      const copied = await (sequence as CopiesState)._copyStateFromOtherSequence?.(leader.sequence, length);
      if (!copied) {
        await sequence.clearHistory();
        await evaluate(sequence);
      }
    }
    this.progress++;
    return result;
  }
}

/** Takes a sequence back to its first `length` tokens. */
async function forgetFrom(sequence: LlamaContextSequence, length: number): Promise<void> {
  await sequence.eraseContextTokenRanges([{ start: length, end: sequence.nextTokenIndex }]);
}

/** Keeps the log-odds of what is all but certain finite. */
const smallest = 1e-9;

const choiceOf = ({ yes, no }: Record<keyof Question, Token>) => ({ filter: { tokens: [yes, no] } });

/** @throws when a logit is missing */
function logOdds(yes: Token, no: Token, output: ControlledEvaluateIndexOutput | undefined): number {
  const { logits } = output?.next ?? {};
  const [forIt, against] = [logits?.get(yes), logits?.get(no)];
  if (forIt === undefined || against === undefined) throw new Error('the model gave no logit for an answer');
  return forIt - against;
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
