/**
 * Aborted with a TimeoutError after so many milliseconds. Unlike AbortSignal.timeout it also is when nothing but another signal
 * depends on it: on Node 20 a source of AbortSignal.any may be collected as garbage, and then never fires.
 */
export function deadline(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException('the time is over', 'TimeoutError')), ms).unref();
  return controller.signal;
}

/** Aborted with the first of the signals that is, for its reason; kept alive by any of them. */
export function firstOf(...signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}
