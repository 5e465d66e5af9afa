import { z } from 'zod';
import { refusalCategories } from '../../src/safety/categories.js';
import { fromRoot } from '../../src/paths.js';
import { datasetRowSchema, kinds, readCsv } from './csv.js';

export const testRowSchema = datasetRowSchema.extend({
  label: z.enum(['allow', 'refuse']),
  category: z.enum(['none', ...refusalCategories]),
  kind: z.enum(kinds),
  /** ISO 639-1. */
  language: z.string().regex(/^[a-z]{2}$/),
  /** Field of business; empty in rows without names. */
  field: z.string(),
  /** A lawful business in words that could alarm. */
  alarming: z.enum(['yes', 'no']).transform((value) => value === 'yes'),
});
export type TestRow = z.infer<typeof testRowSchema>;

export const testSetPath = fromRoot('data', 'test_set.csv');

/** @throws ZodError naming the first bad cell */
export function readTestSet(): Promise<TestRow[]> {
  return readCsv(testSetPath, testRowSchema);
}
