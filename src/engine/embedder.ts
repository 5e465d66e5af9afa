import type { Llama, LlamaEmbeddingContext, LlamaModel, Token } from 'node-llama-cpp';
import { loadModel } from './llama.js';

export interface Embedder {
  /** Unit-length sentence embedding of `text`, cut to the model's window. */
  embed(text: string): Promise<Float32Array>;
  /**
   * The text whole where it fits the window, else in overlapping stretches of the window's length: no token of it goes
   * unread.
   */
  embedAll(text: string, signal?: AbortSignal): AsyncIterable<Float32Array>;
  readonly dimensions: number;
  dispose(): Promise<void>;
}

/** Longer texts are cut: the embedders were taught on at most so many word pieces. */
const windowTokens = 256;
/** Places for the begin and end tokens, and the one that node-llama-cpp keeps free. */
const reservedTokens = 3;
const usableTokens = windowTokens - reservedTokens;
/** What one stretch of a long text shares with the next. */
const overlapTokens = 64;

/** A sentence-embedding model in GGUF, run by node-llama-cpp. Calls queue up behind one another. */
export class LlamaEmbedder implements Embedder {
  private constructor(
    private readonly _model: LlamaModel,
    private readonly _context: LlamaEmbeddingContext,
  ) {}

  /** @throws when the file is missing or is not a GGUF */
  static async load(llama: Llama, modelPath: string, threads?: number): Promise<LlamaEmbedder> {
    const model = await loadModel(llama, modelPath);
    const context = await model.createEmbeddingContext({ contextSize: windowTokens, threads });
    return new LlamaEmbedder(model, context);
  }

  get dimensions(): number {
    return this._model.embeddingVectorSize;
  }

  embed(text: string): Promise<Float32Array> {
    return this._embed(this._model.tokenize(text).slice(0, usableTokens));
  }

  async *embedAll(text: string, signal?: AbortSignal): AsyncGenerator<Float32Array> {
    const tokens = this._model.tokenize(text);
    for (let start = 0; start === 0 || start + overlapTokens < tokens.length; start += usableTokens - overlapTokens) {
      signal?.throwIfAborted();
      yield await this._embed(tokens.slice(start, start + usableTokens));
    }
  }

  private async _embed(tokens: Token[]): Promise<Float32Array> {
    // The end token is appended by node-llama-cpp; the begin token only for some kinds of tokenizer.
    const { bos, shouldPrependBosToken } = this._model.tokens;
    if (bos !== null && shouldPrependBosToken && tokens[0] !== bos) tokens.unshift(bos);
    const { vector } = await this._context.getEmbeddingFor(tokens);
    return normalize(Float32Array.from(vector));
  }

  async dispose(): Promise<void> {
    await this._context.dispose();
    await this._model.dispose();
  }
}

export function normalize(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** Dot product; the cosine similarity when both are unit vectors. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
