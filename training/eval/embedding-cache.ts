import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Embedder } from '../../src/engine/embedder.js';
import { sha256Of } from '../../src/models.js';
import { fromRoot } from '../../src/paths.js';

/** So much of a text's SHA-256 tells it from all others. */
const keyBytes = 16;
/** Longest part of a hash that is worth a file name. */
const hashLength = 16;

/** Embeddings that outlive the process, so that a dataset which grew costs only what is new in it. */
export class EmbeddingCache {
  private _added = 0;

  private constructor(
    private readonly _embedder: Embedder,
    private readonly _path: string,
    private readonly _vectors: Map<string, Float32Array>,
  ) {}

  /** Reads what was kept for this very model file; nothing, where there is none. */
  static async open(embedder: Embedder, modelPath: string): Promise<EmbeddingCache> {
    const folder = fromRoot('training', '.cache');
    await mkdir(folder, { recursive: true });
    const path = join(folder, `embeddings-${(await sha256Of(modelPath)).slice(0, hashLength)}.bin`);
    const vectors = new Map<string, Float32Array>();
    const bytes = existsSync(path) ? await readFile(path) : Buffer.alloc(0);
    const width = keyBytes + embedder.dimensions * Float32Array.BYTES_PER_ELEMENT;
    for (let at = 0; at + width <= bytes.length; at += width) {
      const key = bytes.subarray(at, at + keyBytes).toString('hex');
      vectors.set(
        key,
        new Float32Array(bytes.buffer.slice(bytes.byteOffset + at + keyBytes, bytes.byteOffset + at + width)),
      );
    }
    return new EmbeddingCache(embedder, path, vectors);
  }

  async embed(text: string): Promise<Float32Array> {
    const key = createHash('sha256')
      .update(text)
      .digest('hex')
      .slice(0, 2 * keyBytes);
    const known = this._vectors.get(key);
    if (known) return known;
    const vector = await this._embedder.embed(text);
    this._vectors.set(key, vector);
    this._added++;
    return vector;
  }

  /** Writes what is new. */
  async save(): Promise<void> {
    if (this._added === 0) return;
    const records = [...this._vectors].flatMap(([key, vector]) => [
      Buffer.from(key, 'hex'),
      Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength),
    ]);
    await writeFile(this._path, Buffer.concat(records));
    this._added = 0;
  }
}
