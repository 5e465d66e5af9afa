import { handleType, IterableBackoff, retry, type RetryPolicy } from 'cockatiel';
import { readLines, type Completion } from './completions.js';
import { deal, settleAll } from './deal.js';
import { Endpoint, EndpointError, type CompletionRequest, type EndpointOptions } from './endpoint.js';
import {
  EngineDownError,
  EngineStoppedError,
  type EndpointHealth,
  type GenerateRequest,
  type Generation,
  type StandingEngine,
} from './engine.js';
import { Gate } from './gate.js';
import { hash32 } from './random.js';

export interface RemoteEngineOptions extends Omit<EndpointOptions, 'url' | 'timeoutMs'> {
  /** Addresses of OpenAI-compatible APIs that serve the same model. */
  urls: readonly string[];
  /** Name lists asked for side by side, over all endpoints. Defaults to 64. */
  sequences?: number;
  /** Requests that may wait for their turn. Defaults to 64. */
  queueLimit?: number;
  /** Milliseconds for one answer of an endpoint before another is asked. Defaults to 5,000. */
  timeoutMs?: number;
  /** Milliseconds between health checks. Defaults to 2,000. */
  healthIntervalMs?: number;
}

/** Continuations of one prompt that are asked for at once. */
interface Piece {
  group: number;
  count: number;
  seed: number;
}

/** Milliseconds before each further attempt; the last for all that follow. */
const retryDelays = [0, 100, 300];

/**
 * A model behind OpenAI-compatible servers. Each request goes to the endpoint that writes the least, and to another where it fails.
 * It cannot score: of the protocol's servers some show a prompt's log-probabilities and some do not.
 */
export class RemoteEngine implements StandingEngine {
  readonly restarts = 0;
  readonly downMs = 0;

  private readonly _endpoints: readonly Endpoint[];
  private readonly _gate: Gate<number>;
  private readonly _retry: RetryPolicy;
  private readonly _running = new Set<AbortController>();
  private readonly _healthChecks: NodeJS.Timeout;
  private readonly _stopped = new AbortController();

  constructor({
    urls,
    sequences = 64,
    queueLimit = 64,
    timeoutMs = 5000,
    healthIntervalMs = 2000,
    ...options
  }: RemoteEngineOptions) {
    this._endpoints = urls.map((url) => new Endpoint({ ...options, url, timeoutMs }));
    this._gate = new Gate([...Array(sequences).keys()], queueLimit);
    this._retry = retry(handleType(EndpointError), {
      maxAttempts: urls.length + 1,
      backoff: new IterableBackoff(retryDelays),
    });
    this._healthChecks = setInterval(() => this._checkHealth(), healthIntervalMs).unref();
    this._checkHealth();
  }

  get isUp(): boolean {
    return this._endpoints.some(({ isUp }) => isUp);
  }

  get queueDepth(): number {
    return this._gate.queueDepth;
  }

  get endpoints(): readonly EndpointHealth[] {
    return this._endpoints;
  }

  async generate(request: GenerateRequest): Promise<Generation> {
    const { sequences: count, signal, isContinued, client } = request;
    const queuedAt = performance.now();
    const permits = await this._gate.acquire({ count, isContinued, client, signal });
    const queuedMs = performance.now() - queuedAt;
    const stop = new AbortController();
    const leave = () => stop.abort(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    this._running.add(stop);
    try {
      signal.throwIfAborted();
      return { ...(await this._generate(request, permits.length, stop)), queuedMs };
    } finally {
      signal.removeEventListener('abort', leave);
      this._running.delete(stop);
      this._gate.release(permits);
    }
  }

  async dispose(): Promise<void> {
    clearInterval(this._healthChecks);
    this._gate.close();
    const reason = new EngineStoppedError();
    this._stopped.abort(reason);
    for (const stop of this._running) stop.abort(reason);
  }

  /** @param stop aborts all that is under way; a piece that fails does so too */
  private async _generate(
    { prompts, seed, maxTokens, sampling }: GenerateRequest,
    sequences: number,
    stop: AbortController,
  ): Promise<Omit<Generation, 'queuedMs'>> {
    const completions = await settleAll(
      this._pieces(prompts.length, sequences, seed).map(async (piece) => {
        const request = { prompt: prompts[piece.group]!, count: piece.count, maxTokens, sampling };
        try {
          return { ...(await this._completeAll(request, piece.seed, stop.signal)), group: piece.group };
        } catch (error) {
          stop.abort(error);
          throw error;
        }
      }),
    );
    const lists = completions.flatMap(({ choices }) =>
      choices.map((choice) => ({ ...readLines(choice), isWhole: !choice.isCut })),
    );
    const promptTokens = new Map(completions.map((completion) => [completion.group, completion.promptTokens]));
    return {
      lines: lists.flatMap((list) => list.lines),
      emptySequences: lists.filter((list) => list.lines.length === 0 && list.isWhole).length,
      sequences: lists.length,
      promptTokens: [...promptTokens.values()].reduce((sum, tokens) => sum + tokens, 0),
      generatedTokens: lists.reduce((sum, list) => sum + list.tokens, 0),
    };
  }

  /** Deals sequences to the prompts, and those of a prompt to as many requests as the endpoints' limits need. */
  private _pieces(prompts: number, sequences: number, seed: number): Piece[] {
    const atOnce = Math.min(...this._endpoints.map(({ mostChoices }) => mostChoices));
    return deal([...Array(sequences).keys()], prompts).flatMap((group, index) =>
      deal(group, Math.max(1, Math.ceil(group.length / atOnce))).map((piece, part) => ({
        group: index,
        count: piece.length,
        seed: hash32(seed, index, part),
      })),
    );
  }

  /** As many continuations as are asked for; what an endpoint leaves out is asked for again, with a seed of its own. */
  private async _completeAll(
    request: Omit<CompletionRequest, 'seed'>,
    seed: number,
    signal: AbortSignal,
  ): Promise<Completion> {
    const choices: Completion['choices'] = [];
    let promptTokens = 0;
    while (choices.length < request.count) {
      const count = request.count - choices.length;
      const completion = await this._complete({ ...request, count, seed: seedFrom(seed, choices.length) }, signal);
      choices.push(...completion.choices);
      promptTokens = completion.promptTokens;
    }
    return { choices, promptTokens };
  }

  private async _complete(request: CompletionRequest, signal: AbortSignal): Promise<Completion> {
    const tried = new Set<Endpoint>();
    try {
      return await this._retry.execute(async () => {
        signal.throwIfAborted();
        const endpoint = this._choose(tried);
        tried.add(endpoint);
        return endpoint.complete(request, signal);
      }, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof EndpointError ? new EngineDownError(error) : error;
    }
  }

  /** Of the endpoints that are up the one that writes the least, those first that were not tried. */
  private _choose(tried: ReadonlySet<Endpoint>): Endpoint {
    const up = this._endpoints.filter(({ isUp }) => isUp);
    const untried = up.filter((endpoint) => !tried.has(endpoint));
    const [least] = (untried.length > 0 ? untried : up).toSorted((a, b) => a.inFlight - b.inFlight);
    if (!least) throw new EngineDownError();
    return least;
  }

  private _checkHealth(): void {
    for (const endpoint of this._endpoints) void endpoint.checkHealth(this._stopped.signal);
  }
}

/** Servers read a seed as a signed number of 32 bits, and add to it for the further continuations. */
function seedFrom(seed: number, part: number): number {
  return hash32(seed, part) >>> 2;
}
