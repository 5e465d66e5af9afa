import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { dot } from '../engine/embedder.js';

/** Int8 vectors hold round(127 * value) of unit vectors: the cosine error stays below 0.01. */
export const int8Scale = 127;
const neighbourCount = 8;
/** So many of the nearest businesses vouch for the words of their names, each by the square of what it is nearer than the floor. */
const vouchingRows = 40;
const vouchingFloor = 0.2;
/** How much a part-word gains from what vouches for it, beside its own similarity to the description. */
const vouchingWeight = 2;
/** Below this similarity a part-word is no hint, only noise. */
const hintFloor = 0.2;

export const recallFileSchema = z.object({
  dimensions: z.number().int().positive(),
  /** Expert names of each business. */
  rows: z.array(z.array(z.string())),
  /** For each description, in the order of their vectors, its business: one may be told in several ways. */
  keys: z.array(z.number().int().nonnegative()),
  /** Part-words of all expert names, in the order of the word vectors. */
  words: z.array(
    z.object({
      word: z.string(),
      /** The rows it stands in. */
      rows: z.array(z.number().int()),
      /** In how many names it stands first, and last, of two words. */
      first: z.number().int(),
      last: z.number().int(),
    }),
  ),
});
export type RecallFile = z.infer<typeof recallFileSchema>;

export interface Neighbour {
  row: number;
  /** Cosine similarity of the descriptions, -1 to 1. */
  similarity: number;
  names: string[];
}

export interface Hint {
  word: string;
  score: number;
}

export interface Recalled {
  neighbours: Neighbour[];
  /** Part-words that fit the description, best first, no two of one stem. */
  hints: Hint[];
  /** For each word in the names of the nearest rows, how much they vouch for it. */
  support: ReadonlyMap<string, number>;
}

/** How experts place a word in a name of two. */
export interface Usage {
  first: number;
  last: number;
}

/** What is remembered of words: how experts place them, and how much near rows vouch for them (0: none near). */
export interface WordMemory {
  usage: (word: string) => Usage;
  support: (word: string) => number;
}

/**
 * Memory of expert rows. Given a description's embedding it finds the nearest rows and the part-words that fit, by the
 * word's own similarity and by the rows it was used in.
 */
export class Recall {
  private readonly _wordIndex: ReadonlyMap<string, number>;
  private readonly _meanVector: Float32Array;
  private readonly _names: ReadonlySet<string>;

  constructor(
    private readonly _file: RecallFile,
    private readonly _keyVectors: Int8Array,
    private readonly _wordVectors: Int8Array,
  ) {
    this._wordIndex = new Map(_file.words.map(({ word }, index) => [word, index]));
    this._names = new Set(_file.rows.flat().map(withoutHyphens));
    this._meanVector = new Float32Array(_file.dimensions);
    const share = 1 / (int8Scale * _file.keys.length);
    for (let i = 0; i < _keyVectors.length; i++) this._meanVector[i % _file.dimensions]! += _keyVectors[i]! * share;
  }

  /** Mean similarity of an int8 vector to all descriptions: what lies near everything says little by lying near a description. */
  baseline(vector: Int8Array): number {
    return dot(vector, this._meanVector) / int8Scale;
  }

  /**
   * Reads recall.json and recall.bin (vectors of the descriptions, then of the words, int8) of a version's folder.
   * @throws when a file is missing, malformed, or their sizes disagree
   */
  static async load(folder: string): Promise<Recall> {
    const file = recallFileSchema.parse(JSON.parse(await readFile(join(folder, 'recall.json'), 'utf8')));
    const bytes = await readFile(join(folder, 'recall.bin'));
    const vectors = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const keyBytes = file.keys.length * file.dimensions;
    if (vectors.length !== keyBytes + file.words.length * file.dimensions)
      throw new Error(`recall.bin of ${folder} has ${vectors.length} bytes, recall.json promises another number`);
    return new Recall(file, vectors.subarray(0, keyBytes), vectors.subarray(keyBytes));
  }

  /** Whether experts have put a word into a name. */
  knows(word: string): boolean {
    return this._wordIndex.has(word);
  }

  /** Whether an expert gave some business this very name, with or without a hyphen. */
  remembers(name: string): boolean {
    return this._names.has(withoutHyphens(name));
  }

  /** Int8 vector of a part-word that experts used; undefined for any other word. */
  wordVector(word: string): Int8Array | undefined {
    const index = this._wordIndex.get(word);
    if (index === undefined) return undefined;
    const { dimensions } = this._file;
    return this._wordVectors.subarray(index * dimensions, (index + 1) * dimensions);
  }

  /** How experts place a word; nowhere, where they never used it. */
  usage(word: string): Usage {
    const index = this._wordIndex.get(word);
    return index === undefined ? { first: 0, last: 0 } : this._file.words[index]!;
  }

  /** What is remembered of words, in the light of what was recalled for a description. */
  wordMemory({ support }: Pick<Recalled, 'support'>): WordMemory {
    return { usage: (word) => this.usage(word), support: (word) => support.get(word) ?? 0 };
  }

  /**
   * @param query unit vector of the description
   * @param hintCount how many hints at most
   * @param withoutRow a row to leave out as if it had never been written, with the words that only it uses
   */
  lookUp(query: Float32Array, hintCount: number, withoutRow?: number): Recalled {
    const nearest = this._nearestRows(query, vouchingRows, withoutRow);
    const neighbours = nearest.slice(0, neighbourCount);
    const vouch = new Float32Array(this._file.rows.length);
    for (const { row, similarity } of nearest) vouch[row] = Math.max(0, similarity - vouchingFloor) ** 2;
    const similarities = this._similarities(query, this._wordVectors);
    const support = new Map<string, number>();
    const scored: Hint[] = [];
    for (const [index, { word, rows }] of this._file.words.entries()) {
      if (withoutRow !== undefined && rows.length === 1 && rows[0] === withoutRow) continue;
      const similarity = similarities[index]!;
      let vouched = 0;
      for (const row of rows) vouched += vouch[row]!;
      if (vouched > 0) support.set(word, Math.sqrt(vouched));
      if (similarity < hintFloor && vouched === 0) continue;
      scored.push({ word, score: similarity + vouchingWeight * vouched });
    }
    scored.sort((a, b) => b.score - a.score);
    return { neighbours, hints: distinctStems(scored, hintCount), support };
  }

  private _nearestRows(query: Float32Array, count: number, withoutRow?: number): Neighbour[] {
    const { rows, keys } = this._file;
    const similarities = new Float32Array(rows.length).fill(-1);
    for (const [key, similarity] of this._similarities(query, this._keyVectors).entries()) {
      const row = keys[key]!;
      if (row !== withoutRow && similarity > similarities[row]!) similarities[row] = similarity;
    }
    const floor = Float32Array.from(similarities).sort().at(-count) ?? -1;
    const nearest: Neighbour[] = [];
    for (const [row, similarity] of similarities.entries())
      if (similarity >= floor && row !== withoutRow) nearest.push({ row, similarity, names: rows[row]! });
    return nearest.sort((a, b) => b.similarity - a.similarity).slice(0, count);
  }

  /** Similarity of the query to each of the vectors that lie one after the other. */
  private _similarities(query: Float32Array, vectors: Int8Array): Float32Array {
    const { dimensions } = this._file;
    const similarities = new Float32Array(vectors.length / dimensions);
    const even = dimensions - (dimensions % 4);
    for (let index = 0, start = 0; index < similarities.length; index++, start += dimensions) {
      // Four sums side by side: the processor need not wait for one addition before it begins the next.
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let i = 0; i < even; i += 4) {
        a += query[i]! * vectors[start + i]!;
        b += query[i + 1]! * vectors[start + i + 1]!;
        c += query[i + 2]! * vectors[start + i + 2]!;
        d += query[i + 3]! * vectors[start + i + 3]!;
      }
      for (let i = even; i < dimensions; i++) a += query[i]! * vectors[start + i]!;
      similarities[index] = (a + b + c + d) / int8Scale;
    }
    return similarities;
  }
}

const withoutHyphens = (name: string) => name.replaceAll('-', '');

/** @returns round(127 * value) for each value of a unit vector */
export function toInt8(vector: Float32Array): Int8Array {
  return Int8Array.from(vector, (value) => Math.round(value * int8Scale));
}

function distinctStems(hints: readonly Hint[], count: number): Hint[] {
  const chosen: Hint[] = [];
  for (const hint of hints) {
    if (chosen.length === count) break;
    if (!chosen.some(({ word }) => sameStem(word, hint.word))) chosen.push(hint);
  }
  return chosen;
}

/** A rough stem test, enough for "dog" and "dogs", "bake" and "baker": one begins with the other less its last letter. */
export function sameStem(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const root = short.length > 4 ? short.slice(0, -1) : short;
  return long.startsWith(root) && long.length - root.length <= 4;
}
