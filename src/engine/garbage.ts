import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Some 40 MB with a vocabulary of 50,000. */
const mostSamplers = 64;

/**
 * Counts node-llama-cpp's samplers, one for each list that is written and each name that is weighed. Each holds twelve bytes a
 * token of the vocabulary outside V8's heap until it is collected, and V8, which does not see those, collects late: after
 * twenty requests they were 400 MB. So a collection is asked for now and then; it takes some tens of milliseconds.
 */
export class Garbage {
  private _samplers = 0;
  private _collect: (() => void) | undefined;

  left(samplers: number): void {
    this._samplers += samplers;
    if (this._samplers < mostSamplers) return;
    this._samplers = 0;
    this._collect ??= collector();
    this._collect();
  }
}

/** V8's own, which Node keeps back unless it is started with a flag. https://nodejs.org/api/v8.html#v8setflagsfromstringflags */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
