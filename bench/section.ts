/** Column names in snake case, units at their end. */
export type Row = Record<string, string | number>;

/** A figure that has a target. */
export interface Check {
  what: string;
  value: number;
  unit: string;
  bound: 'at least' | 'at most';
  target: number;
  /** How many measurements the value comes from, and of what. */
  n: string;
}

/** What one part of the benchmark found. */
export interface Section {
  title: string;
  /** What was compared, and how. */
  notes: string[];
  tables: Record<string, Row[]>;
  checks: Check[];
}

/** What could not be measured is not met. */
export function isMet({ value, bound, target }: Check): boolean {
  if (!Number.isFinite(value)) return false;
  return bound === 'at least' ? value >= target : value <= target;
}
