import type { RefusalCategory } from './categories.js';
import { lexicon, type LexiconRule } from './lexicon.js';
import { readings } from './normalize.js';

export interface SafetyVerdict {
  label: 'allow' | 'refuse';
  /** Set when refused. */
  category?: RefusalCategory;
}

/** One judge of a text. A chain of them makes the prefilter; whichever refuses first decides. */
export interface SafetyClassifier {
  /** @throws when it cannot judge; the caller then answers nothing at all (fails closed) */
  classify(text: string): Promise<SafetyVerdict>;
}

/** The lexicon over every reading of the text. */
export class LexiconClassifier implements SafetyClassifier {
  constructor(private readonly _rules: readonly LexiconRule[] = lexicon) {}

  async classify(text: string): Promise<SafetyVerdict> {
    for (const reading of readings(text))
      for (const { category, all, unless } of this._rules)
        if (all.every((pattern) => pattern.test(reading)) && !unless?.test(reading))
          return { label: 'refuse', category };
    return { label: 'allow' };
  }
}

/** Asks each classifier in turn; the first refusal stands. */
export class Prefilter implements SafetyClassifier {
  constructor(private readonly _classifiers: readonly SafetyClassifier[]) {}

  async classify(text: string): Promise<SafetyVerdict> {
    for (const classifier of this._classifiers) {
      const verdict = await classifier.classify(text);
      if (verdict.label === 'refuse') return verdict;
    }
    return { label: 'allow' };
  }
}
