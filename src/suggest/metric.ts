import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { normalize, type Embedder } from '../engine/embedder.js';

/**
 * Added to the variance in every direction: one in which wordings of a business were never seen to differ is no sure
 * sign of another business.
 */
const ridge = 0.001;

/**
 * A linear map of embeddings after which directions in which wordings of one business differ (register, language) count
 * for less: whitening of the within-class covariance (Hatch et al., "Within-Class Covariance Normalization for SVM-Based
 * Speaker Recognition", 2006), here the inverse of its Cholesky factor.
 */
export class Metric {
  /** @param _map row-major, lower triangular: (dimensions, dimensions) */
  private constructor(
    private readonly _map: Float32Array,
    readonly dimensions: number,
  ) {}

  /**
   * @param vectors unit vectors of descriptions
   * @param classes the business of each
   */
  static fit(vectors: readonly Float32Array[], classes: readonly number[]): Metric {
    const dimensions = vectors[0]?.length ?? 0;
    const members = new Map<number, Float32Array[]>();
    for (const [index, vector] of vectors.entries())
      members.set(classes[index]!, [...(members.get(classes[index]!) ?? []), vector]);
    const covariance = new Float64Array(dimensions * dimensions);
    let count = 0;
    for (const group of members.values()) {
      if (group.length < 2) continue;
      count += group.length;
      const mean = new Float64Array(dimensions);
      for (const vector of group) for (let i = 0; i < dimensions; i++) mean[i]! += vector[i]! / group.length;
      for (const vector of group) {
        const off = Float64Array.from(vector, (value, i) => value - mean[i]!);
        for (let i = 0; i < dimensions; i++)
          for (let j = 0; j <= i; j++) covariance[i * dimensions + j]! += off[i]! * off[j]!;
      }
    }
    for (let i = 0; i < covariance.length; i++) covariance[i]! /= Math.max(1, count);
    for (let i = 0; i < dimensions; i++) covariance[i * dimensions + i]! += ridge;
    return new Metric(Float32Array.from(invertLower(cholesky(covariance, dimensions), dimensions)), dimensions);
  }

  /**
   * Reads metric.bin of a version's folder, float32.
   * @throws when it is missing or has another size
   */
  static async load(folder: string, dimensions: number): Promise<Metric> {
    const bytes = await readFile(join(folder, 'metric.bin'));
    if (bytes.length !== dimensions * dimensions * Float32Array.BYTES_PER_ELEMENT)
      throw new Error(`metric.bin of ${folder} is not made for embeddings of ${dimensions} dimensions`);
    return new Metric(
      new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
      dimensions,
    );
  }

  /** What `load` reads. */
  toBytes(): Buffer {
    return Buffer.from(this._map.buffer, this._map.byteOffset, this._map.byteLength);
  }

  /** @returns the mapped vector, of unit length */
  apply(vector: Float32Array): Float32Array {
    const mapped = new Float32Array(this.dimensions);
    for (let row = 0; row < this.dimensions; row++) {
      let sum = 0;
      for (let column = 0; column <= row; column++) sum += this._map[row * this.dimensions + column]! * vector[column]!;
      mapped[row] = sum;
    }
    return normalize(mapped);
  }
}

/** Another embedder's vectors under a metric. */
export class MetricEmbedder implements Embedder {
  constructor(
    private readonly _embedder: Embedder,
    private readonly _metric: Metric,
  ) {}

  get dimensions(): number {
    return this._embedder.dimensions;
  }

  async embed(text: string): Promise<Float32Array> {
    return this._metric.apply(await this._embedder.embed(text));
  }

  async *embedAll(text: string, signal?: AbortSignal): AsyncGenerator<Float32Array> {
    for await (const vector of this._embedder.embedAll(text, signal)) yield this._metric.apply(vector);
  }

  dispose(): Promise<void> {
    return this._embedder.dispose();
  }
}

/** L of A = L·Lᵀ, for the lower triangle of a positive definite matrix. */
function cholesky(matrix: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * size + k]! * lower[j * size + k]!;
      lower[i * size + j] = i === j ? Math.sqrt(sum) : sum / lower[j * size + j]!;
    }
  return lower;
}

/** The inverse of a lower triangular matrix, column by column. */
function invertLower(lower: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let column = 0; column < size; column++)
    for (let row = column; row < size; row++) {
      let sum = row === column ? 1 : 0;
      for (let k = column; k < row; k++) sum -= lower[row * size + k]! * inverse[k * size + column]!;
      inverse[row * size + column] = sum / lower[row * size + row]!;
    }
  return inverse;
}
