import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Suggestion } from '../suggest/suggester.js';
import { ClientGoneError, ProblemError, problemKindOf } from './problems.js';
import type { AnswerBody, SuggestRequestBody } from './schemas.js';

export interface Asked {
  id: string;
  body: SuggestRequestBody;
  /** Whom the work counts for. */
  client: string;
  /** What ends the waiting; not asked for where the answer is kept. */
  signal: () => AbortSignal;
  log: FastifyBaseLogger;
  /** Whether the log may hold the description. */
  logDescriptions: boolean;
}

/**
 * Lets a request in that the server is ready for and its client has not asked too often for.
 * @param count descriptions that it holds
 * @throws ProblemError, counted as an outcome
 */
export async function letIn(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  count: number,
): Promise<void> {
  try {
    app.admit(reply);
    await app.spend(request, reply, count);
  } catch (error) {
    app.metrics.start()(outcomeOf(error));
    throw error;
  }
}

const outcomeOf = (error: unknown) =>
  error instanceof ClientGoneError ? 'client_gone' : problemKindOf(error).replaceAll('-', '_');

/** Asks the service, and counts and logs how it went. */
export async function answer(
  app: FastifyInstance,
  { id, body, client, signal, log, logDescriptions }: Asked,
): Promise<AnswerBody> {
  const finish = app.metrics.start();
  try {
    // Who was let in is answered, also while the server drains.
    const service = app.service.current;
    if (!service) throw new ProblemError('not-ready');
    const asked = { ...body, client };
    const { suggestion, source, isNew } =
      service.suggester.kept(asked) ?? (await service.suggester.suggest(asked, signal()));
    if (service.cacheEnabled || source === 'joined') app.metrics.countCache(source);
    if (isNew) app.metrics.recordWork(suggestion);
    if (suggestion.refusal) app.metrics.countRefusal(suggestion.refusal);
    finish(suggestion.status);
    const answered = answerBody(id, service.info.version, suggestion);
    const description = logDescriptions ? { description: body.description } : {};
    log.info({ status: answered.status, timing: answered.timing_ms, ...description }, 'suggested');
    return answered;
  } catch (error) {
    finish(outcomeOf(error));
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
