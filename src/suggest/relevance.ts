import { LRUCache } from 'lru-cache';
import { dot, type Embedder } from '../engine/embedder.js';
import type { Segmentation } from '../names/segment.js';
import { int8Scale, toInt8, type Recall } from './recall.js';

export interface Similarity {
  /** Cosine similarity of the mean of the parts' vectors and the description, -1 to 1. */
  relevance: number;
  /** Highest similarity of one part and the description. */
  bestPart: number;
  /** Lowest similarity of one part and the description. */
  worstPart: number;
  /** Similarity of the first and the last part; 0 for a name of one. */
  partSimilarity: number;
  /** Mean similarity of the parts to descriptions of any kind. */
  baseline: number;
}

const rememberedWords = 20000;
/** Shorter parts ("of", "in") carry no meaning of their own, and letters that are no word carry none at all. */
const shortestMeaningful = 3;

/** How near names are to a description, from vectors of their words: experts' words come from memory, others are embedded once. */
export class Relevance {
  private readonly _embedded = new LRUCache<string, Int8Array>({ max: rememberedWords });

  constructor(
    private readonly _embedder: Embedder,
    private readonly _recall: Recall,
  ) {}

  async of(query: Float32Array, { parts }: Segmentation): Promise<Similarity> {
    const vectors: Int8Array[] = [];
    for (const { text, known } of parts)
      if (known && text.length >= shortestMeaningful) vectors.push(await this._vector(text));
    const count = vectors.length;
    if (count === 0) return { relevance: 0, bestPart: 0, worstPart: 0, partSimilarity: 0, baseline: 0 };
    const similarities = vectors.map((vector) => dot(query, vector) / int8Scale);
    const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
    // The length of the sum of the vectors, from their products: |Σv|² = ΣΣ vᵢ·vⱼ.
    const length = Math.sqrt(sum(vectors.flatMap((a) => vectors.map((b) => dot(a, b))))) / int8Scale;
    return {
      relevance: sum(similarities) / length,
      bestPart: Math.max(...similarities),
      worstPart: Math.min(...similarities),
      partSimilarity: count > 1 ? dot(vectors[0]!, vectors[count - 1]!) / int8Scale ** 2 : 0,
      baseline: sum(vectors.map((vector) => this._recall.baseline(vector))) / count,
    };
  }

  /** Similarity of a word and a description, -1 to 1. */
  async ofWord(query: Float32Array, word: string): Promise<number> {
    return dot(query, await this._vector(word)) / int8Scale;
  }

  private async _vector(word: string): Promise<Int8Array> {
    const known = this._recall.wordVector(word) ?? this._embedded.get(word);
    if (known) return known;
    const vector = toInt8(await this._embedder.embed(word));
    this._embedded.set(word, vector);
    return vector;
  }
}
