import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Suggestion } from '../../suggest/suggester.js';
import { problemsOfStatus } from '../examples.js';
import { ClientGoneError, problemKindOf, problemKinds } from '../problems.js';
import { answerSchema, problemSchema, suggestRequestSchema, type AnswerBody } from '../schemas.js';

const eventStream = 'text/event-stream';

/** One OpenAPI response for the problems of a status. */
const problemResponse = (status: number) => ({
  description: problemKinds[problemsOfStatus(status)[0]!].title,
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** POST /suggest: JSON, or server-sent events where the caller accepts those. */
const suggest: FastifyPluginAsyncZod<{ deadlineMs: number; logDescriptions: boolean }> = async (
  app,
  { deadlineMs, logDescriptions },
) => {
  app.post(
    '/suggest',
    {
      schema: {
        tags: ['suggest'],
        summary: 'Suggest domain names for a business',
        body: suggestRequestSchema,
        response: {
          200: {
            description: 'Names, best first, or a refusal',
            content: {
              'application/json': {
                schema: answerSchema,
              },
              [eventStream]: {
                schema: answerSchema.describe(
                  'Events `suggestion` (one name), then `done` or `refused` (the whole answer).',
                ),
              },
            },
          },
          400: problemResponse(400),
          401: problemResponse(401),
          408: problemResponse(408),
          413: problemResponse(413),
          415: problemResponse(415),
          417: problemResponse(417),
          429: problemResponse(429),
          431: problemResponse(431),
          500: problemResponse(500),
          503: problemResponse(503),
          504: problemResponse(504),
        },
      },
    },
    async (request, reply) => {
      const finish = app.metrics.start();
      const gone = new AbortController();
      reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) gone.abort(new ClientGoneError());
      });
      try {
        const service = app.readyService();
        const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(deadlineMs)]);
        const { suggestion, cached } = await service.suggester.suggest(request.body, signal);
        if (service.cacheEnabled) app.metrics.countCache(cached ? 'hit' : 'miss');
        if (!cached) app.metrics.record(suggestion);
        finish(suggestion.status);
        const answer = answerBody(request.id, service.info.version, suggestion);
        request.log.info(
          {
            status: answer.status,
            timing: answer.timing_ms,
            ...(logDescriptions ? { description: request.body.description } : {}),
          },
          'suggested',
        );
        if (request.headers.accept?.includes(eventStream)) return await sendEvents(reply, answer);
        return answer;
      } catch (error) {
        finish(error instanceof ClientGoneError ? 'client_gone' : problemKindOf(error).replaceAll('-', '_'));
        throw error;
      }
    },
  );
};

function answerBody(id: string, model: string, suggestion: Suggestion): AnswerBody {
  const { status, suggestions, refusal, partial, timing } = suggestion;
  const timing_ms = Object.fromEntries(
    Object.entries(timing).map(([stage, ms]) => [stage, Math.round(ms)]),
  ) as AnswerBody['timing_ms'];
  if (status === 'refused') return { id, status, suggestions: [], refusal: refusal!, model, timing_ms };
  return { id, status, suggestions, ...(partial ? { partial } : {}), model, timing_ms };
}

async function sendEvents(reply: FastifyReply, answer: AnswerBody): Promise<FastifyReply> {
  const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const body = [
    ...answer.suggestions.map((suggestion) => event('suggestion', suggestion)),
    event(answer.status === 'ok' ? 'done' : 'refused', answer),
  ].join('');
  return reply
    .type(eventStream)
    .header('cache-control', 'no-store')
    .serializer((text: unknown) => text as string)
    .send(body);
}

export default suggest;
