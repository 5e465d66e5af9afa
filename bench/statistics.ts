/** Nearest-rank quantile; NaN of nothing. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

/** Times in milliseconds as a row of a table. */
export function latencyColumns(times: readonly number[]) {
  return { p50_ms: quantile(times, 0.5), p95_ms: quantile(times, 0.95), p99_ms: quantile(times, 0.99) };
}

/**
 * How much faster than linear a cost grows between two sizes: 1 is linear, less is better, 2 is twice the cost that the
 * larger size explains.
 */
export function growthFactor(smaller: { size: number; cost: number }, larger: { size: number; cost: number }): number {
  return larger.cost / smaller.cost / (larger.size / smaller.size);
}

/** The worst growth factor between neighbours of a list in the order of size. */
export function worstGrowth(points: readonly { size: number; cost: number }[]): number {
  return Math.max(...points.slice(1).map((point, index) => growthFactor(points[index]!, point)));
}
