import { dot, type Embedder } from '../../src/engine/embedder.js';
import { editDistance } from '../../src/names/format.js';
import { fromRoot } from '../../src/paths.js';

/** The model that likeness of descriptions is measured with; a general one, which no dataset has taught. */
export const minilmPath = fromRoot('models', 'minilm-l6-v2', 'model.gguf');
/** Cosine similarity of MiniLM embeddings from which two descriptions in Latin script are the same business told twice. */
const twinSimilarity = 0.83;
/** Other scripts are beyond MiniLM, for which all Thai looks alike; there the letters are compared. */
const twinLetters = 0.3;
/** Full-width and other forms of Latin letters are as strange to it as another script. */
const isLatin = (text: string) =>
  text.normalize('NFKC') === text.normalize('NFC') &&
  !/[^\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u.test(text);

/** Whether two descriptions tell of one business, given the similarity of their MiniLM embeddings. */
export function isTwin(a: string, b: string, similarity: number): boolean {
  if (isLatin(a) && isLatin(b)) return similarity >= twinSimilarity;
  const longest = Math.max(a.length, b.length);
  return editDistance(a, b, Math.ceil(twinLetters * longest)) / longest <= twinLetters;
}

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
