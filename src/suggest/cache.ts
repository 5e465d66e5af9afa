import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { SuggestRequest, Suggestion } from './suggester.js';

export interface Suggests {
  suggest(request: SuggestRequest, signal: AbortSignal): Promise<Suggestion>;
}

/** Where replicas share their answers. It never fails: what cannot be read is not there, what cannot be written is lost. */
export interface AnswerStore {
  get(key: string): Promise<StoredAnswer | undefined>;
  set(key: string, answer: Suggestion): Promise<void>;
}

export interface StoredAnswer {
  answer: Suggestion;
  /** How long it is still to be kept, in milliseconds. */
  ttlMs: number;
}

export interface CacheOptions {
  /** How many answers to keep in this process; 0 keeps none, here or elsewhere. */
  size: number;
  /** How long an answer is kept, in milliseconds. */
  ttlMs: number;
  /** What an answer follows from beside the request: model, policy, and how the service reads them. */
  version: string;
  /** Where answers are shared with other replicas. Defaults to nowhere. */
  shared?: AnswerStore;
}

/** How an answer was come by: made anew, kept from before, or made for an equal request at the same time. */
export type Source = 'miss' | 'hit' | 'joined';

export interface Answered {
  suggestion: Suggestion;
  source: Source;
  /** Whether work was done for it that no other caller has been told of: what it took is to be counted once. */
  isNew: boolean;
}

/** An answer in the making, and how many wait for it. */
interface Flight {
  answered: Promise<Pick<Answered, 'suggestion' | 'source'>>;
  controller: AbortController;
  waiting: number;
  isTold: boolean;
}

/**
 * Answers equal requests once: from memory, from what replicas share, or by joining one that is being answered. An answer
 * follows from model, policy, request and seed alone.
 */
export class CachedSuggester {
  private readonly _answers: LRUCache<string, Suggestion> | undefined;
  private readonly _flights = new Map<string, Flight>();
  private _inFlight = 0;

  constructor(
    private readonly _suggester: Suggests,
    private readonly _options: CacheOptions,
    private readonly _depth: () => number,
  ) {
    const { size, ttlMs } = _options;
    this._answers = size > 0 ? new LRUCache({ max: size, ttl: ttlMs }) : undefined;
  }

  get queueDepth(): number {
    return this._depth();
  }

  /** Callers that wait for an answer. */
  get inFlight(): number {
    return this._inFlight;
  }

  /** An answer that is kept in this process, at once; undefined where there is none. */
  kept(request: SuggestRequest): Answered | undefined {
    return this._answers && this._kept(keyOf(request), performance.now());
  }

  private _kept(key: string, started: number): Answered | undefined {
    const known = this._answers?.get(key);
    return known && { suggestion: retimed(known, started), source: 'hit', isNew: false };
  }

  /**
   * Makes an answer, unless it is kept or being made.
   * @param signal ends this caller's waiting; the work ends when nobody waits for it any more
   * @throws what the suggester throws, and the signal's reason
   */
  async suggest(request: SuggestRequest, signal: AbortSignal): Promise<Answered> {
    signal.throwIfAborted();
    const started = performance.now();
    const key = keyOf(request);
    const kept = this._kept(key, started);
    if (kept) return kept;
    this._inFlight++;
    try {
      const joined = this._flights.get(key);
      const flight = joined ?? this._start(key, request);
      const { suggestion, source } = await this._wait(flight, key, signal);
      const isNew = source === 'miss' && !flight.isTold;
      flight.isTold = true;
      return {
        suggestion: isNew ? suggestion : retimed(suggestion, started),
        source: joined ? 'joined' : source,
        isNew,
      };
    } finally {
      this._inFlight--;
    }
  }

  /** What others know a request by: no description leaves the process. */
  private _sharedKey(key: string): string {
    return createHash('sha256')
      .update(JSON.stringify([this._options.version, key]))
      .digest('base64url');
  }

  private _start(key: string, request: SuggestRequest): Flight {
    const controller = new AbortController();
    const flight: Flight = {
      answered: this._answer(key, request, controller.signal),
      controller,
      waiting: 0,
      isTold: false,
    };
    this._flights.set(key, flight);
    const land = () => {
      if (this._flights.get(key) === flight) this._flights.delete(key);
    };
    flight.answered.then(land, land);
    return flight;
  }

  private async _answer(
    key: string,
    request: SuggestRequest,
    signal: AbortSignal,
  ): Promise<Awaited<Flight['answered']>> {
    const shared = this._answers ? await this._options.shared?.get(this._sharedKey(key)) : undefined;
    if (shared) {
      this._answers?.set(key, shared.answer, { ttl: shared.ttlMs });
      return { suggestion: shared.answer, source: 'hit' };
    }
    const suggestion = await this._suggester.suggest(request, signal);
    this._answers?.set(key, suggestion);
    if (this._answers) void this._options.shared?.set(this._sharedKey(key), suggestion);
    return { suggestion, source: 'miss' };
  }

  /** Waits until the flight lands or the caller's signal is aborted, whichever is first. */
  private async _wait(flight: Flight, key: string, signal: AbortSignal): Promise<Awaited<Flight['answered']>> {
    flight.waiting++;
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_resolve, reject) => {
      leave = () => reject(signal.reason as Error);
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([flight.answered, left]);
    } finally {
      if (leave) signal.removeEventListener('abort', leave);
      if (--flight.waiting === 0 && signal.aborted) {
        // Who comes now starts anew: this one is being called off.
        if (this._flights.get(key) === flight) this._flights.delete(key);
        flight.controller.abort(signal.reason);
      }
    }
  }
}

/** All that an answer follows from. The client only says whose turn it is; the answer is the same for all. */
const answeredBy: Record<Exclude<keyof SuggestRequest, 'client'>, true> = {
  description: true,
  count: true,
  like: true,
  style: true,
  seed: true,
  min_length: true,
  max_length: true,
  hyphens: true,
  digits: true,
  contains: true,
  starts_with: true,
  ends_with: true,
  exclude: true,
};
const keyFields = Object.keys(answeredBy) as (keyof typeof answeredBy)[];

/** Equal for equal requests, in whatever order their fields stand. */
const keyOf = (request: SuggestRequest) => JSON.stringify(keyFields.map((field) => request[field]));

/** An answer that is told again: it took this caller no stage, only the time since it asked. */
function retimed(suggestion: Suggestion, started: number): Suggestion {
  return { ...suggestion, timing: { total: performance.now() - started } };
}
