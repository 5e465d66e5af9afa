import { datasetRowSchema, readCsv, type DatasetRow } from './csv.js';

/** What recall remembers of a dataset. */
export interface Memory {
  /** Rows with names; several may tell of one business. */
  told: DatasetRow[];
  /** For each of `told`, its business. */
  keys: number[];
  /** The first row told of each business. */
  businesses: DatasetRow[];
  /** The business that a description tells of. */
  businessOf: ReadonlyMap<string, number>;
}

/** Hints of a row for training: more than a prompt takes, so that training can vary which of them it shows. */
export const hintsForTraining = 14;

/** Groups rows by their names: the same list means the same business in other words. Rows without names are dropped. */
export async function readMemory(path: string): Promise<Memory> {
  const told = (await readCsv(path, datasetRowSchema)).filter(({ suggestions }) => suggestions.length > 0);
  const known = new Map<string, number>();
  const businesses: DatasetRow[] = [];
  const keys = told.map((row) => {
    const names = row.suggestions.join(' ');
    const key = known.get(names) ?? businesses.push(row) - 1;
    known.set(names, key);
    return key;
  });
  const businessOf = new Map(told.map((row, index) => [row.description, keys[index]!]));
  return { told, keys, businesses, businessOf };
}
