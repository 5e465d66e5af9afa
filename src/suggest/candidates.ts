import { cleanLine, editDistance, hasDoubledWord, isName, shortestName } from '../names/format.js';
import { GuardFailedError } from '../safety/guard-failed.js';
import type { OutputGuard } from '../safety/output.js';
import { brokenConstraint, type Constraints } from './constraints.js';

export interface Candidate {
  name: string;
  /** Written by the model, remembered from a row, or composed from fitting words. */
  source: 'model' | 'recall' | 'composed';
  /** Mean natural-log probability a token where the model wrote it; undefined for a recalled name. */
  meanLogProbability?: number;
  /** Where it was remembered: how similar that row's description is. */
  rowSimilarity?: number;
  /** How often it was proposed. */
  votes: number;
}

/** What became of a proposed name; the labels of `domain_suggest_candidates_total`. */
export type Verdict = 'ok' | 'format' | 'constraint' | 'profanity' | 'brand' | 'duplicate';

export interface Proposal extends Pick<Candidate, 'source' | 'meanLogProbability' | 'rowSimilarity'> {
  text: string;
}

/** Names that differ by less read as one: "doughdock" and "doughdocks". */
const twinDistance = 1;

/** Gathers proposals over rounds: validates, guards and merges them. */
export class CandidatePool {
  private readonly _byName = new Map<string, Candidate>();
  /** How many proposals met which end. */
  readonly verdicts: Record<Verdict, number> = {
    ok: 0,
    format: 0,
    constraint: 0,
    profanity: 0,
    brand: 0,
    duplicate: 0,
  };

  constructor(
    private readonly _constraints: Constraints,
    private readonly _guard: OutputGuard,
    private readonly _isWord: (text: string) => boolean = () => true,
    /** Whether another business has the name. */
    private readonly _isTaken: (name: string) => boolean = () => false,
  ) {}

  get candidates(): Candidate[] {
    return [...this._byName.values()];
  }

  /** @throws GuardFailedError when the output guard fails */
  add({ text, source, meanLogProbability, rowSimilarity }: Proposal): Verdict {
    const name = cleanLine(text);
    const verdict = this._judge(name, meanLogProbability);
    this.verdicts[verdict]++;
    if (verdict === 'ok') this._byName.set(name, { name, source, meanLogProbability, rowSimilarity, votes: 1 });
    return verdict;
  }

  private _judge(name: string, meanLogProbability: number | undefined): Verdict {
    const known = this._byName.get(name);
    if (known) {
      known.votes++;
      known.meanLogProbability = Math.max(known.meanLogProbability ?? -Infinity, meanLogProbability ?? -Infinity);
      if (known.meanLogProbability === -Infinity) known.meanLogProbability = undefined;
      return 'duplicate';
    }
    if (!isName(name, shortestName) || hasDoubledWord(name)) return 'format';
    if (brokenConstraint(name, this._constraints)) return 'constraint';
    if (this._constraints.oneWord && !this._isWord(name)) return 'constraint';
    const safe = this._guarded(name);
    if (safe !== 'ok') return safe;
    if (this._isTaken(name) || this._hasTwin(name)) return 'duplicate';
    return 'ok';
  }

  /** @throws GuardFailedError when the guard fails */
  private _guarded(name: string): ReturnType<OutputGuard['judge']> {
    try {
      return this._guard.judge(name);
    } catch (error) {
      throw new GuardFailedError(error);
    }
  }

  private _hasTwin(name: string): boolean {
    for (const other of this._byName.keys())
      if (
        other.replaceAll('-', '') === name.replaceAll('-', '') ||
        editDistance(other, name, twinDistance) <= twinDistance
      )
        return true;
    return false;
  }
}
