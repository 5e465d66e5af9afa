import type { VerifiedModel } from '../src/models.js';
import type { Descriptions } from './descriptions.js';
import type { Sizes } from './sizes.js';

/** What every part of the benchmark is given. */
export interface BenchContext {
  binFolder: string;
  model: VerifiedModel;
  threads: number;
  /** As many sequences as the service has, unless a part says otherwise. */
  sequences: number;
  descriptions: Descriptions;
  sizes: Sizes;
  /** Says what goes on. */
  log: (line: string) => void;
}
