import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { deadline, firstOf } from '../../abort.js';
import { answer, letIn } from '../answering.js';
import { openOrKey, problemResponses } from '../examples.js';
import { goneSignal } from '../gone.js';
import { answerSchema, suggestRequestSchema, type AnswerBody } from '../schemas.js';

const eventStream = 'text/event-stream';

/** POST /suggest: JSON, or server-sent events where the caller accepts those. */
const suggest: FastifyPluginAsyncZod<{ deadlineMs: number; logDescriptions: boolean }> = async (
  app,
  { deadlineMs, logDescriptions },
) => {
  app.post(
    '/suggest',
    {
      onRequest: app.requireKey,
      preHandler: (request, reply) => letIn(app, request, reply, 1),
      schema: {
        tags: ['suggest'],
        security: openOrKey,
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
          ...problemResponses(400, 401, 408, 413, 415, 417, 429, 431, 500, 503, 504),
        },
      },
    },
    async (request, reply) => {
      const answered = await answer(app, {
        id: request.id,
        body: request.body,
        client: request.client,
        signal: () => firstOf(goneSignal(reply), deadline(deadlineMs)),
        log: request.log,
        logDescriptions,
      });
      if (request.headers.accept?.includes(eventStream)) return await sendEvents(reply, answered);
      return answered;
    },
  );
};

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
