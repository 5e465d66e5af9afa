import { z } from 'zod';
import { refusalCategories } from '../../src/safety/categories.js';
import { fromRoot } from '../../src/paths.js';
import { outcomes } from './confusion.js';
import { kinds, listSchema, readCsv } from './csv.js';

/** What a version answered to a row of the test set. */
const resultRowSchema = z.object({
  description: z.string().min(1),
  label: z.enum(['allow', 'refuse']),
  category: z.enum(['none', ...refusalCategories]),
  kind: z.enum(kinds),
  language: z.string(),
  field: z.string(),
  outcome: z.enum(outcomes),
  /** Stage and category of a refusal, empty in an answer. */
  refused_by: z.string(),
  refused_as: z.string(),
  suggestions: listSchema(z.string()),
  /** Chance that a judge calls the name good, for each of `suggestions`. */
  confidences: listSchema(z.number()),
  /** Cosine similarity of its words and the description, for each of `suggestions`. */
  relevances: listSchema(z.number()),
  milliseconds: z.coerce.number(),
});
export type ResultRow = z.output<typeof resultRowSchema>;

export const resultsPath = (version: string) => fromRoot('data', `model_${version}-results.csv`);

/** @throws when the version has not been evaluated */
export function readResults(version: string): Promise<ResultRow[]> {
  return readCsv(resultsPath(version), resultRowSchema);
}
