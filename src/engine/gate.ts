import { EngineStoppedError, QueueFullError } from './engine.js';

interface Waiter<Item> {
  count: number;
  isContinued: boolean;
  grant: (items: Item[]) => void;
  refuse: (reason: Error) => void;
}

/**
 * Lends the items of a fixed pool, several at a time, first come first served, those who go on with what they began before all
 * others. Who finds too few free ones waits in a bounded queue.
 */
export class Gate<Item> {
  private readonly _free: Item[];
  private readonly _size: number;
  private readonly _waiting: Waiter<Item>[] = [];
  private _closed = false;

  constructor(
    items: readonly Item[],
    private readonly _queueLimit: number,
  ) {
    this._free = [...items];
    this._size = items.length;
  }

  get size(): number {
    return this._size;
  }

  get queueDepth(): number {
    return this._waiting.length;
  }

  /**
   * @param count how many items, at least 1; more than the pool has is all of it
   * @param isContinued goes on with work that had items before: waits ahead of new work, and the limit is not for it
   * @throws QueueFullError, EngineStoppedError, or the signal's reason
   */
  async acquire(count: number, signal: AbortSignal, isContinued = false): Promise<Item[]> {
    signal.throwIfAborted();
    if (this._closed) throw new EngineStoppedError();
    const wanted = Math.min(count, this._size);
    const ahead = isContinued ? this._waiting.filter((waiter) => waiter.isContinued).length : this._waiting.length;
    if (ahead === 0 && this._free.length >= wanted) return this._free.splice(0, wanted);
    if (!isContinued && this._waiting.length >= this._queueLimit) throw new QueueFullError(this._queueLimit);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this._waiting.splice(this._waiting.indexOf(waiter), 1);
        reject(signal.reason as Error);
        this._serve();
      };
      const waiter: Waiter<Item> = {
        count: wanted,
        isContinued,
        grant: (items) => {
          signal.removeEventListener('abort', leave);
          resolve(items);
        },
        refuse: (reason) => {
          signal.removeEventListener('abort', leave);
          reject(reason);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this._waiting.splice(ahead, 0, waiter);
    });
  }

  release(items: readonly Item[]): void {
    this._free.push(...items);
    this._serve();
  }

  /** Refuses who waits and who comes later. */
  close(): void {
    this._closed = true;
    for (const waiter of this._waiting.splice(0)) waiter.refuse(new EngineStoppedError());
  }

  private _serve(): void {
    for (let first = this._waiting[0]; first && this._free.length >= first.count; first = this._waiting[0]) {
      this._waiting.shift();
      first.grant(this._free.splice(0, first.count));
    }
  }
}
