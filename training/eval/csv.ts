import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { refusalCategories } from '../../src/safety/categories.js';

/** A cell that holds a JSON array. */
export const listSchema = <Item>(item: z.ZodType<Item>) =>
  z.string().transform((text) => z.array(item).parse(JSON.parse(text)));

export const datasetRowSchema = z.object({ description: z.string().min(1), suggestions: listSchema(z.string()) });
export type DatasetRow = z.infer<typeof datasetRowSchema>;

/** Ways in which a description was made harder; gold labels come with one of them. */
export const kinds = ['plain', 'veiled', 'obfuscated', 'injection', 'multilingual', 'mixed'] as const;

export const safetyRowSchema = z.object({
  description: z.string().min(1),
  label: z.enum(['allow', 'refuse']),
  category: z.enum(['none', ...refusalCategories]),
  kind: z.enum(kinds),
});

/**
 * Rows of a CSV with a header line, checked by `schema`; extra columns are dropped.
 * @throws ZodError naming the first bad cell
 */
export async function readCsv<Row>(path: string, schema: z.ZodType<Row>): Promise<Row[]> {
  const rows: unknown[] = parse(await readFile(path), { columns: true, bom: true });
  return rows.map((row) => schema.parse(row));
}

/** Numbers of a table to four places: what more there is only fills the file. */
export function rounded<Key extends string>(numbers: Readonly<Record<Key, number>>): Record<Key, number> {
  const entries = Object.entries<number>(numbers).map(([key, value]) => [key, Math.round(value * 1e4) / 1e4]);
  return Object.fromEntries(entries) as Record<Key, number>;
}
