import { EngineStoppedError, QueueFullError } from './engine.js';

interface Waiter<Item> {
  count: number;
  /** The lowest is served first; -1 goes on with what it began. */
  turn: number;
  client: string;
  grant: (items: Item[]) => void;
  refuse: (reason: Error) => void;
}

export interface Claim {
  /** How many items, at least 1; more than the pool has is all of it. */
  count: number;
  /** Goes on with work that had items before: waits ahead of new work, and the limit is not for it. */
  isContinued?: boolean;
  /** Who asks. Clients that wait take turns, however many requests each has sent. */
  client?: string;
  signal: AbortSignal;
}

/**
 * Lends the items of a fixed pool, several at a time and neighbours where it can: to those first who go on with what they began, then to clients in turn,
 * first come first served among the requests of one (start-time fair queueing, Goyal et al., SIGCOMM 1996, every request of
 * one cost). Who finds too few free ones waits in a bounded queue; when that is full, the last in turn gives way to a client
 * with fewer requests in it.
 */
export class Gate<Item> {
  private readonly _isFree: boolean[];
  private _freeCount: number;
  private readonly _waiting: Waiter<Item>[] = [];
  /** The turn that is being served, and the last turn that each client was served in, as far as it still matters. */
  private _turn = 0;
  private readonly _served = new Map<string, number>();
  private _closed = false;

  constructor(
    private readonly _items: readonly Item[],
    private readonly _queueLimit: number,
  ) {
    this._isFree = _items.map(() => true);
    this._freeCount = _items.length;
  }

  get size(): number {
    return this._items.length;
  }

  get queueDepth(): number {
    return this._waiting.length;
  }

  /** @throws QueueFullError, EngineStoppedError, or the signal's reason */
  async acquire({ count, isContinued = false, client = '', signal }: Claim): Promise<Item[]> {
    signal.throwIfAborted();
    if (this._closed) throw new EngineStoppedError();
    const wanted = Math.min(count, this.size);
    const turn = isContinued ? -1 : this._nextTurn(client);
    const behind = this._waiting.findIndex((waiter) => waiter.turn > turn);
    const place = behind === -1 ? this._waiting.length : behind;
    if (place === 0 && this._freeCount >= wanted) return this._take(wanted);
    if (!isContinued) this._makeRoom(turn);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this._waiting.splice(this._waiting.indexOf(waiter), 1);
        reject(signal.reason as Error);
        this._serve();
      };
      const waiter: Waiter<Item> = {
        count: wanted,
        turn,
        client,
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
      this._waiting.splice(place, 0, waiter);
    });
  }

  release(items: readonly Item[]): void {
    for (const item of items) this._isFree[this._items.indexOf(item)] = true;
    this._freeCount += items.length;
    this._serve();
  }

  /** Refuses who waits and who comes later. */
  close(): void {
    this._closed = true;
    for (const waiter of this._waiting.splice(0)) waiter.refuse(new EngineStoppedError());
  }

  /** Takes from the shortest run of free neighbours that is long enough, or from the longest runs, in the order of the pool. */
  private _take(count: number): Item[] {
    const runs: number[][] = [];
    this._isFree.forEach((isFree, place) => {
      if (!isFree) return;
      if (place > 0 && this._isFree[place - 1]) runs.at(-1)!.push(place);
      else runs.push([place]);
    });
    const byLength = runs.toSorted((a, b) => a.length - b.length);
    const fitting = byLength.find((run) => run.length >= count);
    const places = (fitting ?? byLength.toReversed().flat()).slice(0, count).toSorted((a, b) => a - b);
    for (const place of places) this._isFree[place] = false;
    this._freeCount -= count;
    return places.map((place) => this._items[place]!);
  }

  /** After the client's own requests that wait, and after the turn it was served in last. */
  private _nextTurn(client: string): number {
    const waiting = this._waiting.filter((waiter) => waiter.client === client).map(({ turn }) => turn);
    return Math.max(this._turn, (this._served.get(client) ?? -1) + 1, ...waiting.map((turn) => turn + 1));
  }

  /** @throws QueueFullError when the queue is full and nobody in it comes after the newcomer */
  private _makeRoom(turn: number): void {
    if (this._waiting.length < this._queueLimit) return;
    const last = this._waiting.at(-1);
    if (!last || last.turn <= turn) throw new QueueFullError(this._queueLimit);
    this._waiting.pop();
    last.refuse(new QueueFullError(this._queueLimit));
  }

  private _serve(): void {
    for (let first = this._waiting[0]; first && this._freeCount >= first.count; first = this._waiting[0]) {
      this._waiting.shift();
      if (first.turn >= 0) {
        this._turn = Math.max(this._turn, first.turn);
        this._served.set(first.client, first.turn);
      }
      first.grant(this._take(first.count));
    }
    if (this._waiting.length > 0) {
      for (const [client, turn] of this._served) if (turn < this._turn) this._served.delete(client);
      return;
    }
    this._turn = 0;
    this._served.clear();
  }
}
