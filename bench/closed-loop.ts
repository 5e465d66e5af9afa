export interface LoopOptions<Result> {
  /** How many run side by side; each starts its next piece of work when its last is done. */
  clients: number;
  /** Pieces that are finished before measuring begins, at least 1. Defaults to the number of clients. */
  warmUps?: number;
  /** Pieces that are measured. */
  count: number;
  work: (index: number) => Promise<Result>;
}

export interface Measured<Result> {
  result: Result;
  /** Milliseconds from its start to its end. */
  ms: number;
}

export interface LoopFigures<Result> {
  measured: Measured<Result>[];
  /** From the end of the last warm-up to the end of the last measured piece; all clients are busy throughout. */
  seconds: number;
}

/** Keeps `clients` pieces of work in flight and measures `count` of them. */
export async function closedLoop<Result>({
  clients,
  warmUps = clients,
  count,
  work,
}: LoopOptions<Result>): Promise<LoopFigures<Result>> {
  const measured: Measured<Result>[] = [];
  let started = 0;
  let finished = 0;
  let from = performance.now();
  let until = from;
  const client = async () => {
    while (finished < warmUps + count) {
      const startedAt = performance.now();
      const result = await work(started++);
      const now = performance.now();
      finished++;
      if (finished <= warmUps) from = now;
      else if (finished <= warmUps + count) {
        until = now;
        measured.push({ result, ms: now - startedAt });
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { measured, seconds: (until - from) / 1000 };
}
