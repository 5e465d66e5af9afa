import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Embedder } from '../engine/embedder.js';
import { lockedCategories, refusalCategories, type RefusalCategory } from './categories.js';
import { unmasked } from './normalize.js';
import type { SafetyClassifier, SafetyVerdict } from './prefilter.js';

const headSchema = z
  .object({
    categories: z.array(z.enum(['none', ...refusalCategories])).min(2),
    /** One row a category, one column a dimension of the embedding. */
    weights: z.array(z.array(z.number())),
    bias: z.array(z.number()),
    threshold: z.number().min(0).max(1),
  })
  .refine(({ categories }) => new Set(categories).size === categories.length, 'no category stands twice')
  .refine(
    ({ categories, weights, bias }) =>
      categories.includes('none') && weights.length === categories.length && bias.length === categories.length,
    'a category, a row of weights and a bias belong together',
  );
/** A linear head over a unit-length embedding. */
export type Head = z.infer<typeof headSchema>;

/** @throws when the file is missing or is no head */
export async function loadHead(path: string): Promise<Head> {
  return headSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

export interface Judgement {
  /** Probability of all categories that are refused, against that of harmless: 0 to 1. */
  harm: number;
  /** The same of the categories that cannot be switched off. */
  lockedHarm: number;
  /** The likeliest of them. */
  category: RefusalCategory;
}

export interface ClassifierOptions {
  /** Harm from which on a text is refused; the head's own where it is not given. */
  threshold?: number;
  /** Categories that are answered nonetheless. */
  allowed?: readonly RefusalCategory[];
  /** Mends a text's slips of the pen. Defaults to leaving them. */
  mend?: (text: string) => string;
}

/** Longer texts are read in stretches as well: the classifier was taught on some 100 tokens, and one line may be the harmful one. */
const stretchCharacters = 320;
/** Where in a stretch the next one begins. */
const sharedFrom = 0.75;

/**
 * The trained classifier: an embedding of the text and a linear head over the policy's categories. A text is as harmful
 * as its worst stretch; one that wears a disguise is read both as it stands and with the disguise undone, and the two
 * are weighed against one another; one full of slips of the pen is as harmful as it is mended, where that is more.
 */
export class TrainedClassifier implements SafetyClassifier {
  /** Harm from which on a text is refused; for the locked categories alone, the head's own where that is lower. */
  readonly threshold: number;
  private readonly _lockedThreshold: number;
  private readonly _refused: readonly (readonly [RefusalCategory, number])[];
  private readonly _allow: number;
  private readonly _mend: (text: string) => string;

  constructor(
    private readonly _embedder: Embedder,
    private readonly _head: Head,
    { threshold, allowed = [], mend = (text) => text }: ClassifierOptions = {},
  ) {
    if (_head.weights.some((row) => row.length !== _embedder.dimensions))
      throw new Error(`the head is not made for embeddings of ${_embedder.dimensions} dimensions`);
    this.threshold = threshold ?? _head.threshold;
    this._lockedThreshold = Math.min(this.threshold, _head.threshold);
    this._mend = mend;
    this._allow = _head.categories.indexOf('none');
    this._refused = _head.categories.flatMap((category, index) =>
      category === 'none' || allowed.includes(category) ? [] : [[category, index] as const],
    );
  }

  async classify(text: string, signal?: AbortSignal): Promise<SafetyVerdict> {
    const judgement = await this.judge(text, signal);
    return this.refuses(judgement) ? { label: 'refuse', category: judgement.category } : { label: 'allow' };
  }

  refuses({ harm, lockedHarm }: Judgement): boolean {
    return harm >= this.threshold || lockedHarm >= this._lockedThreshold;
  }

  /** Log-odds by which a text stands above what is refused; of both thresholds the one that it comes nearer to. */
  margin({ harm, lockedHarm }: Judgement): number {
    return Math.max(logit(harm) - logit(this.threshold), logit(lockedHarm) - logit(this._lockedThreshold));
  }

  /** @throws what the embedder throws, and the reason of an aborted signal */
  async judge(text: string, signal?: AbortSignal): Promise<Judgement> {
    const asItStands = await this._judgeReading(text, signal);
    const undone = unmasked(text);
    const judgement = undone === undefined ? asItStands : between(asItStands, await this._judgeReading(undone, signal));
    const mended = this._mend(undone ?? text);
    // Mending may guess wrong, and take the one word out that matters: it makes nothing less harmful.
    return mended === (undone ?? text) ? judgement : worse(judgement, await this._judgeReading(mended, signal));
  }

  /** The worst stretch of a text. */
  private async _judgeReading(text: string, signal?: AbortSignal): Promise<Judgement> {
    let worst: Judgement | undefined;
    for (const part of stretches(text))
      for await (const vector of this._embedder.embedAll(part, signal)) {
        const judgement = this._weigh(vector);
        worst = worst === undefined ? judgement : worse(worst, judgement);
      }
    if (worst === undefined) throw new Error('the classifier read nothing');
    return worst;
  }

  /** One reading alone, of a text short enough for the embedder's window. */
  async judgeAsIs(text: string): Promise<Judgement> {
    return this._weigh(await this._embedder.embed(text));
  }

  private _weigh(vector: Float32Array): Judgement {
    const powers = exponentials(
      this._head.weights.map((row, index) =>
        row.reduce((sum, weight, at) => sum + weight * vector[at]!, this._head.bias[index]!),
      ),
    );
    let [refused, locked] = [0, 0];
    let best: readonly [RefusalCategory, number] = ['illegal-other', -1];
    for (const [category, index] of this._refused) {
      const power = powers[index]!;
      refused += power;
      if (lockedCategories.includes(category)) locked += power;
      if (power > best[1]) best = [category, power];
    }
    // Categories that are switched off say nothing for or against the others.
    const harm = refused / (refused + powers[this._allow]!);
    const lockedHarm = locked / (locked + powers[this._allow]!);
    // A number that is none would compare as harmless.
    if (!Number.isFinite(harm) || !Number.isFinite(lockedHarm)) throw new Error('the classifier gave no number');
    return { harm, lockedHarm, category: best[0] };
  }
}

const logit = (probability: number) => Math.log(probability / (1 - probability));
/** A probability whose log-odds are `change` higher. */
const shifted = (probability: number, change: number) =>
  probability <= 0 || probability >= 1 ? probability : 1 / (1 + Math.exp(-logit(probability) - change));

/** Two readings of one text: the mean of their log-odds, and the category of the more harmful. */
function between(a: Judgement, b: Judgement): Judgement {
  const mean = (x: number, y: number) => {
    if (x <= 0 || y <= 0 || x >= 1 || y >= 1) return Math.max(x, y);
    return shifted(x, (logit(y) - logit(x)) / 2);
  };
  return {
    harm: mean(a.harm, b.harm),
    lockedHarm: mean(a.lockedHarm, b.lockedHarm),
    category: a.harm >= b.harm ? a.category : b.category,
  };
}

/** Two stretches of one text: the more harmful, and whatever stands in either against a clause that cannot be switched off. */
function worse(a: Judgement, b: Judgement): Judgement {
  return { ...(b.harm > a.harm ? b : a), lockedHarm: Math.max(a.lockedHarm, b.lockedHarm) };
}

/** The judgement of a text in which the lexicon found a category: likelier by `weight` in log-odds, and named by it. */
export function suspected({ harm, lockedHarm }: Judgement, category: RefusalCategory, weight: number): Judgement {
  return {
    harm: shifted(harm, weight),
    lockedHarm: lockedCategories.includes(category) ? shifted(lockedHarm, weight) : lockedHarm,
    category,
  };
}

/** e to the power of each, divided by the largest of them. */
function exponentials(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  return logits.map((logit) => Math.exp(logit - highest));
}

/** The text whole, and when it is long also by its words in stretches that share a quarter with the next. */
export function stretches(text: string): string[] {
  if (text.length <= stretchCharacters) return [text];
  const parts: string[] = [];
  let part = '';
  for (const word of text.match(/\S+\s*/g) ?? []) {
    if (part.length > 0 && part.length + word.length > stretchCharacters) {
      parts.push(part);
      const space = part.indexOf(' ', Math.floor(part.length * sharedFrom));
      part = space < 0 ? '' : part.slice(space + 1);
    }
    part += word;
  }
  return [text, ...parts, part];
}
