import { GuardFailedError } from '../safety/guard-failed.js';
import { EngineDownError, EngineStoppedError, QueueFullError } from '../engine/engine.js';
import { ConfigError } from '../config.js';
import { ModelUnfitError } from '../switch.js';
import type { Problem } from './schemas.js';

export const problemMediaType = 'application/problem+json';

/** Each problem that callers may meet: its HTTP status, title and what to do. */
export const problemKinds = {
  invalid: { status: 400, title: 'Bad Request', detail: 'The request does not match the contract; see errors.' },
  unauthorized: { status: 401, title: 'Unauthorized', detail: 'Send a valid key in the Authorization header.' },
  forbidden: { status: 403, title: 'Forbidden', detail: 'This key may not do that; use one of an administrator.' },
  'not-found': { status: 404, title: 'Not Found', detail: 'There is nothing here; GET /docs lists the routes.' },
  'method-not-allowed': { status: 405, title: 'Method Not Allowed', detail: 'The Allow header lists the methods.' },
  'request-timeout': { status: 408, title: 'Request Timeout', detail: 'Send the whole request sooner.' },
  'too-large': {
    status: 413,
    title: 'Content Too Large',
    detail:
      'Send a body of at most 64 KiB; a batch, 4 MiB and no more rows than the rate limit lets through in a minute.',
  },
  'media-type': { status: 415, title: 'Unsupported Media Type', detail: 'Send content-type application/json.' },
  expectation: { status: 417, title: 'Expectation Failed', detail: 'The only expectation known is 100-continue.' },
  unfit: {
    status: 422,
    title: 'Unprocessable Content',
    detail: 'That model cannot be served; the present one goes on.',
  },
  'too-many': { status: 429, title: 'Too Many Requests', detail: 'Wait as long as Retry-After says.' },
  'headers-too-large': {
    status: 431,
    title: 'Request Header Fields Too Large',
    detail: 'Send headers of at most 16 KiB, the path included.',
  },
  internal: { status: 500, title: 'Internal Server Error', detail: 'The log has the cause under the instance id.' },
  'queue-full': { status: 503, title: 'Service Unavailable', detail: 'Too many requests wait; retry in a moment.' },
  'not-ready': { status: 503, title: 'Service Unavailable', detail: 'The model is loading; retry in a moment.' },
  'engine-down': {
    status: 503,
    title: 'Service Unavailable',
    detail: 'The model does not answer and is being brought back; retry in a moment.',
  },
  draining: { status: 503, title: 'Service Unavailable', detail: 'This server is shutting down; retry elsewhere.' },
  'guard-failed': {
    status: 503,
    title: 'Service Unavailable',
    detail: 'A safety check could not run, so nothing is answered.',
  },
  deadline: { status: 504, title: 'Gateway Timeout', detail: 'The names were not ready in time; retry.' },
} as const;

export type ProblemKind = keyof typeof problemKinds;

/** Seconds that a caller should wait before it tries again. */
export const retryAfterSeconds: Partial<Record<ProblemKind, number>> = {
  'too-many': 1,
  'queue-full': 1,
  'not-ready': 2,
  'engine-down': 5,
  draining: 5,
  'guard-failed': 5,
};

/** An error that already knows which problem it is. */
export class ProblemError extends Error {
  override name = 'ProblemError';
  constructor(readonly kind: ProblemKind) {
    super(problemKinds[kind].detail);
  }
}

/** A request whose caller has gone; there is nobody to answer. */
export class ClientGoneError extends Error {
  override name = 'ClientGoneError';
  constructor() {
    super('the client closed the connection');
  }
}

const byFastifyCode: Record<string, ProblemKind> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid',
  FST_ERR_VALIDATION: 'invalid',
  FST_ERR_BAD_URL: 'not-found',
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** Which problem an error is; what is not known is internal. */
export function problemKindOf(error: unknown): ProblemKind {
  if (error instanceof ProblemError) return error.kind;
  if (error instanceof QueueFullError) return 'queue-full';
  if (error instanceof EngineDownError) return 'engine-down';
  if (error instanceof EngineStoppedError) return 'draining';
  if (error instanceof ConfigError || error instanceof ModelUnfitError) return 'unfit';
  if (error instanceof GuardFailedError) return 'guard-failed';
  if (error instanceof Error && error.name === 'TimeoutError') return 'deadline';
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (typeof code === 'string' && byFastifyCode[code]) return byFastifyCode[code];
  return statusCode === 400 ? 'invalid' : 'internal';
}

export function problemBody(kind: ProblemKind, instance: string, errors?: Problem['errors']): Problem {
  const { status, title, detail } = problemKinds[kind];
  return { type: `urn:domain-yours:problem:${kind}`, title, status, detail, instance, ...(errors ? { errors } : {}) };
}
