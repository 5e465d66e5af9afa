/** A guard could not judge; nothing is answered. */
export class GuardFailedError extends Error {
  override name = 'GuardFailedError';
  constructor(cause: unknown) {
    super('the safety check failed', { cause });
  }
}
