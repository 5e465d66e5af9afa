import { z } from 'zod';

/**
 * How a generator's wish to end before its first name counts beside the prefilter's judgement: fitted on rows that neither was
 * taught. It reads more of the world than the classifier does, and less of disguises.
 */
export const secondOpinionSchema = z.object({
  /** What one of its log-odds counts for. */
  weight: z.number().nonnegative(),
  /** Its log-odds count no further than this, either way. */
  bound: z.number().positive(),
  /** Both together refuse from here on, in log-odds above the prefilter's threshold. */
  bias: z.number(),
});
export type SecondOpinion = z.infer<typeof secondOpinionSchema>;

/** Of a generator that has no say: where a category is switched off, for it knows of none, and behind servers that cannot be asked. */
export const noSay: SecondOpinion = { weight: 0, bound: 1, bias: Infinity };

/**
 * Whether a description that the prefilter let pass is refused after all.
 * @param margin log-odds by which its harm stands above the prefilter's threshold; negative where it passed
 * @param refusal the generator's log-odds of having nothing to say
 */
export function refusesTogether(margin: number, refusal: number, { weight, bound, bias }: SecondOpinion): boolean {
  if (weight === 0) return false;
  if (Number.isNaN(margin) || Number.isNaN(refusal)) throw new Error('a guard gave no number');
  return margin + weight * Math.max(-bound, Math.min(bound, refusal)) >= bias;
}
