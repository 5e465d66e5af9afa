import { randomInt } from 'node:crypto';
import { ConfigError } from './config.js';
import type { Service } from './service.js';

/** A model that cannot be loaded, or does not answer as it should. */
export class ModelUnfitError extends Error {
  override name = 'ModelUnfitError';
  constructor(version: string, cause?: unknown) {
    super(`${version} cannot be loaded, or does not answer with names`, { cause });
  }
}

/** What a model is asked before it may serve; it has to answer with names. Another seed each time, so that no cache answers. */
const probe = { description: 'a bakery that sells sourdough bread', count: 3 };
const seeds = 2 ** 31;
const probeDeadlineMs = 60_000;
const drainPollMs = 20;

/** The place that holds what answers. */
export interface Slot {
  current?: Service;
}

/** Changes which model answers without a gap: the new one is loaded beside the old, checked, put in its place, the old drained. */
export class ModelSwitch {
  private _queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly _slot: Slot,
    private readonly _load: (model: string) => Promise<Service>,
    private readonly _events: { switched?: (service: Service) => void; failed?: (error: unknown) => void } = {},
  ) {}

  /**
   * Serves `model` from now on; one change after the other, the first fills the slot. The same model is loaded anew, as its
   * files may have changed.
   * @returns when the new one answers; the old one is disposed of after its last request
   * @throws ConfigError where it is not there, ModelUnfitError where it cannot be loaded or used; the old one goes on then
   */
  to(model: string): Promise<Service> {
    const change = this._queue.then(() => this._change(model));
    this._queue = change.catch(() => {});
    return change;
  }

  private async _change(model: string): Promise<Service> {
    const next = await this._load(model).catch((error: unknown) => {
      throw error instanceof ConfigError ? error : new ModelUnfitError(model, error);
    });
    try {
      await check(next);
    } catch (error) {
      await next.dispose();
      throw error;
    }
    const previous = this._slot.current;
    this._slot.current = next;
    this._events.switched?.(next);
    if (previous) drain(previous).catch((error: unknown) => this._events.failed?.(error));
    return next;
  }
}

/** @throws ModelUnfitError */
export async function check({ info, suggester }: Service): Promise<void> {
  const answered = await suggester
    .suggest({ ...probe, seed: randomInt(seeds) }, AbortSignal.timeout(probeDeadlineMs))
    .catch((error: unknown) => {
      throw new ModelUnfitError(info.version, error);
    });
  if (answered.suggestion.suggestions.length < probe.count) throw new ModelUnfitError(info.version);
}

/** Disposes of a service once nobody waits for it. */
async function drain(service: Service): Promise<void> {
  while (service.suggester.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, drainPollMs));
  await service.dispose();
}
