import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleType,
  timeout,
  TimeoutStrategy,
  type CircuitBreakerPolicy,
  type TimeoutPolicy,
} from 'cockatiel';
import OpenAI, { APIError } from 'openai';
import { completionSchema, withoutControlTokens, type Completion } from './completions.js';
import type { EndpointHealth, Sampling } from './engine.js';

export interface EndpointOptions {
  /** Address of an OpenAI-compatible API; without a path it is `/v1`. */
  url: string;
  /** The model's name there. */
  model: string;
  apiKey?: string;
  /** Milliseconds for one answer. */
  timeoutMs: number;
}

export interface CompletionRequest {
  prompt: string;
  /** Continuations, each sampled from its own stream. */
  count: number;
  /** At most 2^31 - 1. */
  seed: number;
  maxTokens: number;
  sampling: Sampling;
}

/** The endpoint did not answer as it should; another one may. */
export class EndpointError extends Error {
  override name = 'EndpointError';
  /** @param isBusy whether it is alive and only has too much to do */
  constructor(
    endpoint: string,
    problem: string,
    readonly isBusy = false,
  ) {
    super(`${endpoint} ${problem}`);
  }
}

/** The endpoint will not take the request, and no other would: a wrong key, a model it does not have, a prompt too long. */
export class EndpointRefusedError extends Error {
  override name = 'EndpointRefusedError';
  constructor(
    endpoint: string,
    readonly status: number,
  ) {
    super(
      `${endpoint} answered ${status}; look at ENGINE_MODEL, ENGINE_API_KEY and the context that it was started with`,
    );
  }
}

/** How long it is kept in mind that an endpoint gives only so many continuations at once. */
const limitKeptMs = 60_000;
/** Failures one after the other that open the circuit. */
const failuresToOpen = 3;
const tooManyRequests = 429;
const requestTimeout = 408;
const notFound = 404;

/** One OpenAI-compatible server behind a circuit breaker. Requests find it up or leave it be; its health checks close the circuit. */
export class Endpoint implements EndpointHealth {
  readonly name: string;
  /** Continuations that it is writing now. */
  inFlight = 0;
  /** The most continuations that it gives at once, as far as it has shown: llama-server has no more than it has slots. */
  mostChoices = Infinity;
  private _limitUntil = 0;
  private readonly _client: OpenAI;
  private readonly _healthUrl: URL;
  private readonly _breaker: CircuitBreakerPolicy;
  private readonly _timeout: TimeoutPolicy;

  constructor(private readonly _options: EndpointOptions) {
    const { url, apiKey = '', timeoutMs } = _options;
    const base = new URL(url);
    base.pathname = base.pathname === '/' ? '/v1' : base.pathname.replace(/\/+$/, '');
    this.name = base.host;
    this._healthUrl = new URL('health', base);
    this._client = new OpenAI({
      baseURL: base.href,
      // The client wants a key even where the server does not.
      apiKey: apiKey || 'none',
      organization: null,
      project: null,
      maxRetries: 0,
      // Its log would hold prompts.
      logLevel: 'off',
    });
    this._timeout = timeout(timeoutMs, TimeoutStrategy.Aggressive);
    this._breaker = circuitBreaker(
      handleType(EndpointError, ({ isBusy }) => !isBusy),
      // Health checks alone are sent to an open circuit, and their pace is the pause.
      { halfOpenAfter: 0, breaker: new ConsecutiveBreaker(failuresToOpen) },
    );
  }

  get isUp(): boolean {
    return this._breaker.state === CircuitState.Closed;
  }

  /**
   * At least one continuation, at most as many as were asked for.
   * @throws EndpointError, EndpointRefusedError, or the signal's reason
   */
  async complete(request: CompletionRequest, signal: AbortSignal): Promise<Completion> {
    const count = Math.min(request.count, this.mostChoices);
    this.inFlight += count;
    try {
      const completion = await this._breaker.execute(() => this._ask({ ...request, count }, signal));
      if (completion.choices.length < count) this._remember(completion.choices.length);
      return completion;
    } finally {
      this.inFlight -= count;
    }
  }

  /** Keeps to what it gave, until a health check some time later: it may have been short once only. */
  private _remember(choices: number): void {
    this.mostChoices = choices;
    this._limitUntil = performance.now() + limitKeptMs;
  }

  /** Asks for its health; a good answer closes the circuit, bad ones open it. */
  async checkHealth(signal: AbortSignal): Promise<void> {
    const failure = await this._try(signal, (inTime) => this._askHealth(inTime)).then(
      () => undefined,
      // Whatever it is that it answers, an endpoint that is not well takes no requests.
      (error: unknown) => new EndpointError(this.name, error instanceof Error ? error.message : 'is not well'),
    );
    if (performance.now() > this._limitUntil) this.mostChoices = Infinity;
    if (signal.aborted || (failure === undefined && this.isUp)) return;
    await this._breaker
      .execute(() => {
        if (failure !== undefined) throw failure;
      })
      .catch(() => undefined);
  }

  /** Where the server refuses so many continuations at once, half of them, and so on. */
  private async _ask(request: CompletionRequest, signal: AbortSignal): Promise<Completion> {
    try {
      return await this._try(signal, (inTime) => this._create(request, inTime));
    } catch (error) {
      if (!(error instanceof EndpointRefusedError) || error.status !== 400 || request.count === 1) throw error;
      return this._ask({ ...request, count: Math.floor(request.count / 2) }, signal);
    }
  }

  private async _create(
    { prompt, count, seed, maxTokens, sampling }: CompletionRequest,
    signal: AbortSignal,
  ): Promise<Completion> {
    const body = {
      model: this._options.model,
      prompt: withoutControlTokens(prompt),
      n: count,
      seed,
      max_tokens: maxTokens,
      temperature: sampling.temperature,
      top_p: sampling.topP,
      logprobs: 1,
      // Not OpenAI's; vLLM and llama-server know the first two, llama-server the last, by which a token's probability is the one
      // it was drawn with, as in the model in this process.
      top_k: sampling.topK,
      min_p: sampling.minP,
      post_sampling_probs: true,
    };
    const answer = completionSchema.safeParse(await this._client.completions.create(body, { signal }));
    if (!answer.success) throw new EndpointError(this.name, 'gave an answer that is not a completion');
    return { ...answer.data, choices: answer.data.choices.slice(0, count) };
  }

  /** `/health`, and where there is none the list of models. */
  private async _askHealth(signal: AbortSignal): Promise<void> {
    const { status, ok, body } = await fetch(this._healthUrl, { signal });
    await body?.cancel();
    if (status === notFound) await this._client.models.list({ signal });
    else if (!ok) throw new EndpointError(this.name, `answered ${status}`);
  }

  /** Does work in time, and names its failures; what a server says of a request may hold the prompt, so only its status is kept. */
  private async _try<Value>(signal: AbortSignal, work: (inTime: AbortSignal) => Promise<Value>): Promise<Value> {
    try {
      return await this._timeout.execute(({ signal: inTime }) => work(inTime), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof EndpointError) throw error;
      const status: unknown = error instanceof APIError ? error.status : undefined;
      if (typeof status !== 'number') throw new EndpointError(this.name, 'did not answer');
      if (status === tooManyRequests) throw new EndpointError(this.name, 'has too much to do', true);
      const isRefusal = status >= 400 && status < 500 && status !== requestTimeout;
      throw isRefusal
        ? new EndpointRefusedError(this.name, status)
        : new EndpointError(this.name, `answered ${status}`);
    }
  }
}
