import type { Embedder } from '../../src/engine/embedder.js';
import { dot } from '../../src/engine/embedder.js';

export interface Pair {
  a: string;
  b: string;
  /** Cosine similarity of the sentence embeddings. */
  similarity: number;
}

/** For each text of `tests` the nearest of `trainings`, nearest pairs first. */
export async function nearestPairs(
  embedder: Embedder,
  tests: readonly string[],
  trainings: readonly string[],
): Promise<Pair[]> {
  const known: Float32Array[] = [];
  for (const text of trainings) known.push(await embedder.embed(text));
  const pairs: Pair[] = [];
  for (const a of tests) {
    const query = await embedder.embed(a);
    let best = { b: '', similarity: -1 };
    for (const [index, vector] of known.entries()) {
      const similarity = dot(query, vector);
      if (similarity > best.similarity) best = { b: trainings[index]!, similarity };
    }
    pairs.push({ a, ...best });
  }
  return pairs.sort((x, y) => y.similarity - x.similarity);
}
