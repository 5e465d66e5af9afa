import { seededRandom } from '../src/engine/random.js';

export interface Fleet {
  /** Requests a second, Poisson, over the whole fleet. */
  arrivalRate: number;
  /** Draws the seconds that a request keeps its slot. */
  serviceTime: (random: () => number) => number;
  replicas: number;
  /** Requests that one replica answers side by side. Defaults to 1. */
  slots?: number;
  /** Requests that may wait at one replica. Defaults to no limit. */
  queueLimit?: number;
  /** Seconds after which a request is given up, waiting included. Defaults to never. */
  deadline?: number;
  /** Share of the requests that the cache answers. Defaults to 0. */
  hitRate?: number;
  /** Seconds that those take. Defaults to 0. */
  hitTime?: number;
  /** How a replica is chosen: at random, or the less busy of two at random. Defaults to random. */
  balancing?: 'random' | 'two-choices';
  requests: number;
  /** Requests at the start that are not counted. Defaults to a tenth. */
  warmUp?: number;
  seed: number;
}

export interface Outcome {
  /** Seconds to an answer, sorted; hits included. */
  latencies: Float64Array;
  /** Mean seconds that answered misses waited for a slot. */
  meanWait: number;
  /** Shares of the counted requests: that missed the cache and had to wait, turned away (503), given up (504). */
  waited: number;
  turnedAway: number;
  givenUp: number;
}

/** One replica: first come, first served, so each request's whole way is known when it arrives (Kiefer and Wolfowitz, 1955). */
class Replica {
  /** When each slot is free again. */
  private readonly _free: Float64Array;
  /** When those who wait stop waiting, in the order of arrival. */
  private readonly _waiting: number[] = [];

  constructor(
    slots: number,
    private readonly _queueLimit: number,
    private readonly _deadline: number,
  ) {
    this._free = new Float64Array(slots);
  }

  /** Requests that wait. */
  private _depth(now: number): number {
    while (this._waiting.length > 0 && this._waiting[0]! <= now) this._waiting.shift();
    return this._waiting.length;
  }

  /** Requests that are here, waiting or not. */
  load(now: number): number {
    return this._free.reduce((count, free) => count + Number(free > now), this._depth(now));
  }

  /** Undefined when turned away; `seconds` is undefined when given up. */
  take(now: number, work: number): { wait: number; seconds: number | undefined } | undefined {
    let slot = 0;
    for (let i = 1; i < this._free.length; i++) if (this._free[i]! < this._free[slot]!) slot = i;
    const start = Math.max(now, this._free[slot]!);
    if (start > now && this._depth(now) >= this._queueLimit) return undefined;
    const last = now + this._deadline;
    if (start > now) this._waiting.push(Math.min(start, last));
    if (start < last) this._free[slot] = Math.min(start + work, last);
    return { wait: start - now, seconds: start + work <= last ? start + work - now : undefined };
  }
}

/** Runs requests through a fleet; the same seed gives the same outcome. */
export function simulate({
  arrivalRate,
  serviceTime,
  replicas,
  slots = 1,
  queueLimit = Infinity,
  deadline = Infinity,
  hitRate = 0,
  hitTime = 0,
  balancing = 'random',
  requests,
  warmUp = requests / 10,
  seed,
}: Fleet): Outcome {
  const random = seededRandom(seed);
  const fleet = Array.from({ length: replicas }, () => new Replica(slots, queueLimit, deadline));
  const any = () => fleet[Math.floor(random() * replicas)]!;
  const choose = (now: number) => {
    const one = any();
    if (balancing === 'random') return one;
    const other = any();
    return other.load(now) < one.load(now) ? other : one;
  };
  const latencies: number[] = [];
  const waits: number[] = [];
  const counts = { waited: 0, turnedAway: 0, givenUp: 0 };
  let now = 0;
  for (let i = 0; i < requests; i++) {
    now -= Math.log(1 - random()) / arrivalRate;
    const isHit = hitRate > 0 && random() < hitRate;
    const taken = isHit ? { wait: 0, seconds: hitTime } : choose(now).take(now, serviceTime(random));
    if (i < warmUp) continue;
    if (!taken) counts.turnedAway++;
    else if (taken.seconds === undefined) counts.givenUp++;
    else {
      latencies.push(taken.seconds);
      if (!isHit) waits.push(taken.wait);
    }
    if (taken && taken.wait > 0) counts.waited++;
  }
  const share = (count: number) => count / (requests - Math.ceil(warmUp));
  return {
    latencies: Float64Array.from(latencies).sort(),
    meanWait: waits.reduce((sum, wait) => sum + wait, 0) / waits.length,
    waited: share(counts.waited),
    turnedAway: share(counts.turnedAway),
    givenUp: share(counts.givenUp),
  };
}

/** Service times of an M/M/c queue. */
export const exponential = (mean: number) => (random: () => number) => -Math.log(1 - random()) * mean;

const normal95 = 1.6449;

/** Log-normal service times with the two percentiles. */
export function logNormal({ p50, p95 }: { p50: number; p95: number }): (random: () => number) => number {
  const sigma = Math.log(p95 / p50) / normal95;
  // Box and Muller.
  return (random) => p50 * Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}
