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
    const { prompt, lines, sequences, question, asksLikelihood = true, signal } = request;
    const asked = question && this._questionTokens(question);
    if (lines.length === 0) return { lines: [], promptTokens: 0, queuedMs: 0 };
    const tokens = this._promptTokens(prompt);
    return this._lend({ ...request, sequences: Math.min(sequences, lines.length) }, async (pool) => ({
      lines: await this._weigh(pool, tokens, lines, { question: asked, asksLikelihood }, signal),
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
      // What a request left behind is for its own later parts: an answer is not to hang on what was asked before.
      if (!isContinued) await clear(pool);
      return { ...(await work(pool)), queuedMs };
    } catch (error) {
      // After a failed decode a sequence may hold more, or less, than it says.
      await clear(pool).catch(() => {});
      throw error;
    } finally {
      this._gate.release(pool);
    }
  }

  private async _run(
    pool: readonly Slot[],
    { prompts, seed, maxTokens, sampling, asksRefusal, signal }: GenerateRequest,
  ): Promise<Omit<Generation, 'queuedMs'>> {
    // Fewer sequences than prompts: the last prompt is the one that is asked about.
    const taken = asksRefusal ? prompts.slice(-pool.length) : prompts.slice(0, pool.length);
    const groups = deal(pool, taken.length).map((slots, index) => ({
      slots,
      tokens: this._promptTokens(taken[index]!),
    }));
    await this._shareHead(groups, signal);
    const results = await settleAll(
      groups.map(async ({ slots, tokens }, group) => {
        const shared = tokens.slice(0, -1);
        const isAsked = asksRefusal && group === taken.length - 1;
        const refusal = await this._share(slots, shared, signal, async (leader, from) => {
          if (isAsked) return this._refusal(leader, tokens, from);
          await evaluate(leader, shared.slice(from));
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
      emptySequences: lists.filter((list) => list.lines.length === 0 && list.isWhole).length,
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
    { question, asksLikelihood }: { question: Record<keyof Question, Token> | undefined; asksLikelihood: boolean },
    signal: AbortSignal,
  ): Promise<ScoredLine[]> {
    const scored: ScoredLine[] = [];
    const [filler] = this._lineBreaks;
    const tokens = lines
      .map((line, index) => ({ index, line: this._model.tokenize(`${line}\n`, false) }))
      .toSorted((a, b) => b.line.length - a.line.length);
    const ask = asksLikelihood ? askFor(tokens.map(({ line }) => line[0]!)) : undefined;
    const opening = await this._sharePrompt(pool, prompt, ask, signal);
    await settleAll(
      deal(tokens, pool.length).map((dealt, hand) => {
        const { place, sequence } = pool[hand]!;
        return this._lockstep.join(place, async (step) => {
          for (const [round, { index, line }] of dealt.entries()) {
            const input: ControlledEvaluateInputItem[] = line
              .slice(0, -1)
              .map((token, i) => (asksLikelihood ? [token, askFor([line[i + 1]!])] : token));
            const longest = tokens[round * pool.length]!.line.length;
            if (question) input.push([question.mark, { generateNext: { logits: choiceOf(question) } }]);
            input.push(...Array.from({ length: longest - line.length }, () => filler!));
            await step();
            signal.throwIfAborted();
            const outputs = [opening, ...(await sequence.controlledEvaluate(input))];
            await forgetFrom(sequence, prompt.length);
            const logProbability = asksLikelihood
              ? line.reduce((sum, token, i) => sum + logProbabilityOf(token, outputs[i]), 0)
              : undefined;
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

  /** Brings a prompt into all of the sequences; where something is asked about what comes behind it, the answer. */
  private async _sharePrompt(
    pool: readonly Slot[],
    prompt: readonly Token[],
    ask: ReturnType<typeof askFor> | undefined,
    signal: AbortSignal,
  ): Promise<ControlledEvaluateIndexOutput | undefined> {
    const last = prompt.length - 1;
    return this._share(pool, prompt, signal, async (leader, from) => {
      if (!ask) {
        await evaluate(leader, prompt.slice(from));
        return undefined;
      }
      // The answer is found where the last token is evaluated, even if it has been before.
      await forgetFrom(leader, last);
      const outputs = await leader.controlledEvaluate([...prompt.slice(from, last), [prompt[last]!, ask]]);
      return outputs.at(-1);
    });
  }

  /** Evaluates a prompt but for its last token, which is only looked behind: the log-odds that the model has nothing to say. */
  private async _refusal(sequence: LlamaContextSequence, prompt: readonly Token[], from: number): Promise<number> {
    const { eos } = this._model.tokens;
    if (eos === null) throw new Error('the model has no token that ends a text');
    const input: ControlledEvaluateInputItem[] = prompt.slice(from, -1);
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
  ): Promise<{ lines: GeneratedLine[]; tokens: number; isWhole: boolean }> {
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
    return { lines, tokens, isWhole };
  }

  /** Evaluates what all prompts begin with once, and copies its state to the first sequence of each. */
  private async _shareHead(
    groups: readonly { slots: readonly Slot[]; tokens: readonly Token[] }[],
    signal: AbortSignal,
  ): Promise<void> {
    const [first, ...others] = groups;
    if (!first || others.length === 0) return;
    const head = first.tokens.slice(0, Math.min(...others.map(({ tokens }) => commonLength(first.tokens, tokens))) - 1);
    const leaders = groups.map(({ slots }) => slots[0]!);
    if (head.length > 0) await this._share(leaders, head, signal, (leader, from) => evaluate(leader, head.slice(from)));
  }

  /**
   * Brings the tokens into one of the sequences, the one that holds most of their beginning already, and copies its state to the others.
   * @param read evaluates the tokens from a place on in a sequence that holds those before it, which may be all
   */
  private async _share<Result>(
    pool: readonly Slot[],
    tokens: readonly Token[],
    signal: AbortSignal,
    read: (sequence: LlamaContextSequence, from: number) => Promise<Result>,
  ): Promise<Result> {
    signal.throwIfAborted();
    if (pool.length === 0) throw new RangeError('no sequence to read the prompt in');
    const held = pool.map((slot) => ({ slot, length: commonLength(slot.sequence.contextTokens, tokens) }));
    const leader = held.reduce((a, b) => (b.length > a.length ? b : a));
    await forgetFrom(leader.slot.sequence, leader.length);
    const result = await this._lockstep.join(leader.slot.place, async (step) => {
      await step();
      return read(leader.slot.sequence, leader.length);
    });
    for (const { slot } of held) {
      if (slot === leader.slot) continue;
      const { sequence } = slot;
      await sequence.clearHistory();
      const copied = await (sequence as CopiesState)._copyStateFromOtherSequence?.(leader.slot.sequence, tokens.length);
      if (!copied) {
        await sequence.clearHistory();
        await read(sequence, 0);
      }
    }
    this.progress++;
    return result;
  }
}

/** Makes sequences forget what they hold. */
async function clear(pool: readonly Slot[]): Promise<void> {
  for (const { sequence } of pool) await sequence.clearHistory();
}

/** How many tokens two lists begin with alike. */
function commonLength(a: readonly Token[], b: readonly Token[]): number {
  const differs = a.findIndex((token, index) => token !== b[index]);
  return differs === -1 ? a.length : differs;
}

/** Brings tokens into a sequence behind those it holds. */
async function evaluate(sequence: LlamaContextSequence, tokens: readonly Token[]): Promise<void> {
  if (tokens.length > 0) await sequence.evaluateWithoutGeneratingNewTokens([...tokens]);
}

/** Takes a sequence back to its first `length` tokens. */
async function forgetFrom(sequence: LlamaContextSequence, length: number): Promise<void> {
  if (sequence.nextTokenIndex > length)
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
