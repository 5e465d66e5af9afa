import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Service } from '../service.js';
import type { Suggestion } from '../suggest/suggester.js';
import { ClientGoneError, problemKindOf } from './problems.js';
import type { AnswerBody, SuggestRequestBody } from './schemas.js';

export interface Asked {
  id: string;
  body: SuggestRequestBody;
  /** Whom the work counts for. */
  client: string;
  signal: AbortSignal;
  log: FastifyBaseLogger;
  /** Whether the log may hold the description. */
  logDescriptions: boolean;
}

/** Asks the service, and counts and logs how it went. */
export async function answer(
  app: FastifyInstance,
  serviceNow: () => Service,
  { id, body, client, signal, log, logDescriptions }: Asked,
): Promise<AnswerBody> {
  const finish = app.metrics.start();
  try {
    const service = serviceNow();
    const { suggestion, source } = await service.suggester.suggest({ ...body, client }, signal);
    if (service.cacheEnabled) app.metrics.countCache(source);
    if (source === 'miss') app.metrics.record(suggestion);
    finish(suggestion.status);
    const answered = answerBody(id, service.info.version, suggestion);
    const description = logDescriptions ? { description: body.description } : {};
    log.info({ status: answered.status, timing: answered.timing_ms, ...description }, 'suggested');
    return answered;
  } catch (error) {
    finish(error instanceof ClientGoneError ? 'client_gone' : problemKindOf(error).replaceAll('-', '_'));
    throw error;
  }
}

function answerBody(id: string, model: string, suggestion: Suggestion): AnswerBody {
  const { status, suggestions, refusal, partial, timing } = suggestion;
  const timing_ms = Object.fromEntries(
    Object.entries(timing).map(([stage, ms]) => [stage, Math.round(ms)]),
  ) as AnswerBody['timing_ms'];
  if (status === 'refused') return { id, status, suggestions: [], refusal: refusal!, model, timing_ms };
  return { id, status, suggestions, ...(partial ? { partial } : {}), model, timing_ms };
}
