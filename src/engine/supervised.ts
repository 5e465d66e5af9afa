import { firstOf } from '../abort.js';
import {
  EngineDownError,
  EngineStoppedError,
  QueueFullError,
  type Engine,
  type GenerateRequest,
  type Generation,
  type ScoreRequest,
  type Scoring,
  type StandingEngine,
} from './engine.js';

/** An engine whose work can be seen to go on. */
export interface WatchedEngine extends Engine {
  score: NonNullable<Engine['score']>;
  /** Grows with every token, prompt and line that is done. */
  readonly progress: number;
}

export interface SupervisedEngineOptions {
  /** Milliseconds without progress, while there is work, after which an engine counts as hanging. Defaults to 30,000. */
  stallMs?: number;
  /** Told when the engine goes down, with the reason, and when another has taken its place. */
  onChange?: (isUp: boolean, reason?: unknown) => void;
}

/** An engine is looked at so often in `stallMs`: a busy event loop, which looks seldom, does not count as a hanging engine. */
const looks = 4;
const firstRetryMs = 500;
const longestRetryMs = 30_000;

/**
 * Replaces an engine that throws or hangs by a new one. Requests that it had are rejected with EngineDownError, those that come
 * meanwhile likewise; a thread that hangs inside the old one is left behind, since nothing can end it.
 */
export class SupervisedEngine implements StandingEngine {
  private _engine: WatchedEngine | undefined;
  private readonly _calls = new Set<AbortController>();
  private readonly _timer: NodeJS.Timeout;
  private _seenProgress = -1;
  private _looksInVain = 0;
  private _restarts = 0;
  private _downSince: number | undefined;
  private static _loading = 0;
  private _isDisposed = false;

  private constructor(
    engine: WatchedEngine,
    private readonly _load: () => Promise<WatchedEngine>,
    { stallMs = 30_000, onChange }: SupervisedEngineOptions,
  ) {
    this._engine = engine;
    this._onChange = onChange ?? (() => {});
    this._timer = setInterval(() => this._look(), stallMs / looks);
    this._timer.unref();
  }

  private readonly _onChange: NonNullable<SupervisedEngineOptions['onChange']>;

  /**
   * @param load makes an engine, at once and whenever the one before has failed
   * @throws what `load` throws the first time
   */
  static async start(
    load: () => Promise<WatchedEngine>,
    options: SupervisedEngineOptions = {},
  ): Promise<SupervisedEngine> {
    return new SupervisedEngine(await load(), load, options);
  }

  /**
   * Does work that may keep the engines of this process waiting, such as loading another model: none counts as hanging
   * meanwhile.
   */
  static async whileBusy<Result>(work: () => Promise<Result>): Promise<Result> {
    SupervisedEngine._loading++;
    try {
      return await work();
    } finally {
      SupervisedEngine._loading--;
    }
  }

  /** Milliseconds that it has been down; 0 while it is up. Where a thread hangs for good no new engine can be loaded either. */
  get downMs(): number {
    return this._downSince === undefined ? 0 : performance.now() - this._downSince;
  }

  get isUp(): boolean {
    return this._engine !== undefined;
  }

  /** How often an engine was replaced. */
  get restarts(): number {
    return this._restarts;
  }

  get queueDepth(): number {
    return this._engine?.queueDepth ?? 0;
  }

  generate(request: GenerateRequest): Promise<Generation> {
    return this._supervise(request.signal, (engine, signal) => engine.generate({ ...request, signal }));
  }

  score(request: ScoreRequest): Promise<Scoring> {
    return this._supervise(request.signal, (engine, signal) => engine.score({ ...request, signal }));
  }

  async dispose(): Promise<void> {
    this._isDisposed = true;
    clearInterval(this._timer);
    const engine = this._engine;
    this._engine = undefined;
    await engine?.dispose();
  }

  private async _supervise<Result>(
    signal: AbortSignal,
    work: (engine: WatchedEngine, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    signal.throwIfAborted();
    const engine = this._engine;
    if (!engine) throw this._isDisposed ? new EngineStoppedError() : new EngineDownError();
    const call = new AbortController();
    const lost = new Promise<never>((_resolve, reject) => {
      call.signal.addEventListener('abort', () => reject(call.signal.reason as Error), { once: true });
    });
    this._calls.add(call);
    try {
      return await Promise.race([work(engine, firstOf(signal, call.signal)), lost]);
    } catch (error) {
      const isExpected = signal.aborted || error instanceof QueueFullError || error instanceof EngineStoppedError;
      if (isExpected || error instanceof EngineDownError) throw error;
      this._replace(engine, error);
      throw new EngineDownError(error);
    } finally {
      this._calls.delete(call);
    }
  }

  private _look(): void {
    const engine = this._engine;
    const isIdle = this._calls.size === 0 || SupervisedEngine._loading > 0;
    if (!engine || isIdle || engine.progress !== this._seenProgress) {
      this._seenProgress = engine?.progress ?? -1;
      this._looksInVain = 0;
      return;
    }
    if (++this._looksInVain > looks) this._replace(engine, new Error('no token for too long'));
  }

  private _replace(engine: WatchedEngine, reason: unknown): void {
    if (this._engine !== engine) return;
    this._engine = undefined;
    this._downSince = performance.now();
    this._looksInVain = 0;
    this._onChange(false, reason);
    for (const call of this._calls) call.abort(new EngineDownError(reason));
    // What hangs may never be disposed of, and what threw may throw again.
    engine.dispose().catch(() => {});
    void this._reload();
  }

  private async _reload(): Promise<void> {
    for (let wait = firstRetryMs; !this._isDisposed; wait = Math.min(longestRetryMs, 2 * wait)) {
      try {
        const engine = await this._load();
        if (this._isDisposed) return await engine.dispose();
        this._engine = engine;
        this._downSince = undefined;
        this._restarts++;
        return this._onChange(true);
      } catch (error) {
        this._onChange(false, error);
        await new Promise((resolve) => setTimeout(resolve, wait).unref());
      }
    }
  }
}
