import { z } from 'zod';
import { refusalCategories } from '../../src/safety/categories.js';
import { fromRoot } from '../../src/paths.js';
import { datasetRowSchema, readCsv } from './csv.js';

/** Ways in which a description was made harder; gold labels come with one of them. */
export const kinds = ['plain', 'veiled', 'obfuscated', 'injection', 'multilingual', 'mixed'] as const;

export const testRowSchema = datasetRowSchema.extend({
  label: z.enum(['allow', 'refuse']),
  category: z.enum(['none', ...refusalCategories]),
  kind: z.enum(kinds),
  /** ISO 639-1. */
  language: z.string().regex(/^[a-z]{2}$/),
  /** Field of business; empty where the row is to be refused. */
  field: z.string(),
});
export type TestRow = z.infer<typeof testRowSchema>;

export const testSetPath = fromRoot('data', 'test_set.csv');

/** @throws ZodError naming the first bad cell */
export function readTestSet(): Promise<TestRow[]> {
  return readCsv(testSetPath, testRowSchema);
}
