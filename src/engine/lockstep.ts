/**
 * Keeps those who take steps side by side together: each waits before a step until all others stand there too, and then they go
 * in the order of their places.
 *
 * llama.cpp decodes a batch of many sequences in little more time than one of a single sequence, but only where their numbers
 * follow one another and each has equally many tokens; else it splits the batch. node-llama-cpp decodes whatever waits when
 * the last decode has ended, in the order of its coming, which is neither.
 */
export class Lockstep {
  private _members = 0;
  private _waiting: { place: number; go: () => void }[] = [];

  /** Does work that calls `step` before each of its steps; when it has ended the others no longer wait for it. */
  async join<Result>(place: number, work: (step: () => Promise<void>) => Promise<Result>): Promise<Result> {
    this._members++;
    try {
      return await work(() => this._step(place));
    } finally {
      this._members--;
      this._goWhenAllStandThere();
    }
  }

  private _step(place: number): Promise<void> {
    return new Promise((go) => {
      this._waiting.push({ place, go });
      this._goWhenAllStandThere();
    });
  }

  /** In a turn of the event loop of its own: what the last step still holds, the context's lock above all, is let go of by then. */
  private _goWhenAllStandThere(): void {
    if (this._waiting.length < this._members || this._waiting.length === 0) return;
    const together = this._waiting.toSorted((a, b) => a.place - b.place);
    this._waiting = [];
    setImmediate(() => together.forEach(({ go }) => go()));
  }
}
