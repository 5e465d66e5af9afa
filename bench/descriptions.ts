import { readTestSet } from '../training/eval/test-set.js';

export interface Descriptions {
  /** Lawful ones in plain English, each once. */
  lawful: readonly string[];
  harmful: readonly string[];
}

/** From the test set; nothing in a disguise, whose tokens are many times its words. */
export async function readDescriptions(): Promise<Descriptions> {
  const rows = (await readTestSet()).filter(({ kind }) => kind !== 'obfuscated');
  const lawful = rows.filter(({ label, language }) => label === 'allow' && language === 'en');
  const harmful = rows.filter(({ label }) => label === 'refuse');
  const texts = (some: typeof rows) => [...new Set(some.map(({ description }) => description.trim()))];
  return { lawful: texts(lawful), harmful: texts(harmful) };
}

/** Hands the texts out one after another, from the first again when all are used. */
export function inTurn(texts: readonly string[]): () => string {
  let next = 0;
  return () => texts[next++ % texts.length]!;
}

/** A text of exactly `characters`, made of the texts from number `start` on. */
export function textOfLength(texts: readonly string[], start: number, characters: number): string {
  let text = '';
  for (let index = start; text.length < characters; index++) text += `${texts[index % texts.length]!} `;
  // A space at the cut would be trimmed away.
  return text.slice(0, characters).replace(/\s$/, 's');
}
