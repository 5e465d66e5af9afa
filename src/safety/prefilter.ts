import type { RefusalCategory } from './categories.js';
import { suspected, type Judgement, type TrainedClassifier } from './classifier.js';
import { lexicon, type LexiconRule } from './lexicon.js';
import { readings } from './normalize.js';

export interface SafetyVerdict {
  label: 'allow' | 'refuse';
  /** Set when refused. */
  category?: RefusalCategory;
  /** How near what was allowed came to being refused, where the judge can say. */
  doubt?: Doubt;
}

export interface Doubt {
  /** Log-odds by which harm stands above the threshold: negative. */
  margin: number;
  /** What it would be refused as. */
  category: RefusalCategory;
}

/** One judge of a text. */
export interface SafetyClassifier {
  /** @throws when it cannot judge; the caller then answers nothing at all (fails closed) */
  classify(text: string, signal?: AbortSignal): Promise<SafetyVerdict>;
}

/** The lexicon over every reading of the text, without the rules of categories that are allowed. */
export class LexiconClassifier implements SafetyClassifier {
  private readonly _rules: readonly LexiconRule[];

  constructor(allowed: readonly RefusalCategory[] = []) {
    this._rules = lexicon.filter(({ category }) => !allowed.includes(category));
  }

  async classify(text: string): Promise<SafetyVerdict> {
    for (const reading of readings(text))
      for (const { category, all, unless } of this._rules)
        if (all.every((pattern) => pattern.test(reading)) && !unless?.test(reading))
          return { label: 'refuse', category };
    return { label: 'allow' };
  }
}

/** Log-odds that a find of the lexicon adds to the classifier's: chosen on the validation rows. */
const lexiconWeight = 2;

/**
 * The lexicon and the trained classifier together. What the lexicon finds makes harm likelier; the last word is the
 * classifier's, which knows a detox clinic from a dealer.
 */
export class Prefilter implements SafetyClassifier {
  constructor(
    private readonly _lexicon: SafetyClassifier,
    private readonly _trained: Pick<TrainedClassifier, 'judge' | 'refuses' | 'margin'>,
  ) {}

  async classify(text: string, signal?: AbortSignal): Promise<SafetyVerdict> {
    const judgement = await this.judge(text, signal);
    const { category } = judgement;
    return this._trained.refuses(judgement)
      ? { label: 'refuse', category }
      : { label: 'allow', doubt: { margin: this._trained.margin(judgement), category } };
  }

  /** @throws when either cannot judge */
  async judge(text: string, signal?: AbortSignal): Promise<Judgement> {
    const { category } = await this._lexicon.classify(text, signal);
    const judgement = await this._trained.judge(text, signal);
    return category ? suspected(judgement, category, lexiconWeight) : judgement;
  }
}
