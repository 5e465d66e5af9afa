import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import pLimit from 'p-limit';
import type { z } from 'zod';
import { answer } from '../answering.js';
import { problemResponses } from '../examples.js';
import { goneSignal } from '../gone.js';
import { problemBody, problemKindOf, ProblemError } from '../problems.js';
import { batchRequestSchema, batchRowSchema, suggestRequestSchema, type BatchRow, type Problem } from '../schemas.js';

const ndjson = 'application/x-ndjson';
/** As many descriptions as one batch may hold, each of 2,000 characters of four bytes, and what stands around them. */
const bodyLimit = 4 * 1024 * 1024;
/** Rows of one batch that are worked on side by side; more would only wait for the engine, each on its own deadline. */
const rowsAtOnce = 3;

/** POST /suggest/batch: many descriptions, one answer a line as each is ready. */
const batch: FastifyPluginAsyncZod<{ deadlineMs: number; logDescriptions: boolean }> = async (
  app,
  { deadlineMs, logDescriptions },
) => {
  app.post(
    '/suggest/batch',
    {
      bodyLimit,
      onRequest: app.requireKey,
      preHandler: (request, reply) => app.spend(request, reply, request.body.requests.length),
      schema: {
        tags: ['suggest'],
        summary: 'Suggest domain names for up to 256 businesses',
        body: batchRequestSchema,
        response: {
          200: {
            description: 'One line a request, in the order of completion',
            content: { [ndjson]: { schema: batchRowSchema } },
          },
          ...problemResponses(400, 401, 408, 413, 415, 417, 429, 431, 500, 503),
        },
      },
    },
    async (request, reply) => {
      app.readyService();
      const gone = goneSignal(reply);
      const rows = new PassThrough();
      const limit = pLimit(rowsAtOnce);
      const fail = (index: number, problem: Problem): BatchRow => ({ index, status: 'error', problem });

      const answerRow = async (asked: unknown, index: number): Promise<BatchRow> => {
        const id = randomUUID();
        const body = suggestRequestSchema.safeParse(asked);
        if (!body.success) return fail(index, problemBody('invalid', id, fieldErrors(body.error)));
        try {
          const signal = AbortSignal.any([gone, AbortSignal.timeout(deadlineMs)]);
          const asking = { id, body: body.data, client: request.client, signal, log: request.log, logDescriptions };
          // A batch that was let in is finished, also while the server drains.
          return { index, ...(await answer(app, () => app.service.current ?? notReady(), asking)) };
        } catch (error) {
          const kind = problemKindOf(error);
          if (kind === 'internal' || kind === 'guard-failed') request.log.error({ err: error }, 'row failed');
          return fail(index, problemBody(kind, id));
        }
      };

      const work = request.body.requests.map((asked, index) =>
        limit(async () => {
          if (gone.aborted) return;
          rows.write(`${JSON.stringify(await answerRow(asked, index))}\n`);
        }),
      );
      void Promise.allSettled(work).then(() => rows.end());
      return await sendRows(reply, rows);
    },
  );
};

async function sendRows(reply: FastifyReply, rows: PassThrough): Promise<FastifyReply> {
  return reply.type(ndjson).header('cache-control', 'no-store').send(rows);
}

function notReady(): never {
  throw new ProblemError('not-ready');
}

function fieldErrors(error: z.ZodError): Problem['errors'] {
  return error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
}

export default batch;
