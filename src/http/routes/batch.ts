import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import pLimit from 'p-limit';
import type { z } from 'zod';
import { deadline, firstOf } from '../../abort.js';
import { answer, letIn, type Asked } from '../answering.js';
import { openOrKey, problemResponses } from '../examples.js';
import { goneSignal } from '../gone.js';
import { logged, mostFieldErrors } from '../plugins/errors.js';
import { ClientGoneError, problemBody, problemKindOf, type ProblemKind } from '../problems.js';
import { batchRequestSchema, batchRowSchema, suggestRequestSchema, type Problem } from '../schemas.js';

const ndjson = 'application/x-ndjson';
/** As many descriptions as one batch may hold, each of 2,000 characters of four bytes, and what stands around them. */
const bodyLimit = 4 * 1024 * 1024;
/** A row may be no longer than the body of POST /suggest. */
const longestRow = 64 * 1024;
/** What passes: rows wait for it within their own deadline instead of failing one after the other. */
const passing: ReadonlySet<ProblemKind> = new Set(['queue-full', 'engine-down', 'not-ready']);
const retryMs = 250;
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
      preHandler: (request, reply) => letIn(app, request, reply, request.body.requests.length),
      schema: {
        tags: ['suggest'],
        security: openOrKey,
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
      const gone = goneSignal(reply);
      const rows = new PassThrough();
      const limit = pLimit(rowsAtOnce);
      const work = request.body.requests.map((asked, index) =>
        limit(async () => {
          if (gone.aborted) return;
          const id = randomUUID();
          const row = { id, client: request.client, gone, log: request.log.child({ row: id }) };
          rows.write(`${JSON.stringify({ index, ...(await answerRow(asked, row)) })}\n`);
        }),
      );
      void Promise.allSettled(work).then(() => rows.end());
      return await sendRows(reply, rows);
    },
  );

  type Row = Omit<Asked, 'body' | 'signal' | 'logDescriptions'> & { gone: AbortSignal };

  /** What stands in a row beside its index. */
  async function answerRow(asked: unknown, { gone, ...row }: Row) {
    const fail = (kind: ProblemKind, errors?: Problem['errors']) => ({
      status: 'error' as const,
      problem: problemBody(kind, row.id, errors),
    });
    if (app.service.draining) return fail('draining');
    if (JSON.stringify(asked).length > longestRow) return fail('too-large');
    const body = suggestRequestSchema.safeParse(asked);
    if (!body.success) return fail('invalid', firstErrors(body.error));
    const signal = firstOf(gone, deadline(deadlineMs));
    for (;;)
      try {
        return await answer(app, { ...row, body: body.data, signal: () => signal, logDescriptions });
      } catch (error) {
        const kind = problemKindOf(error);
        if (passing.has(kind) && !app.service.draining && (await paused(signal))) continue;
        if (!(error instanceof ClientGoneError) && logged.has(kind)) row.log.error({ err: error }, 'row failed');
        return fail(kind);
      }
  }
};

/** Waits before a row is tried again; false when its time is over. */
async function paused(signal: AbortSignal): Promise<boolean> {
  return setTimeout(retryMs, true, { signal }).catch(() => false);
}

function firstErrors(error: z.ZodError): Problem['errors'] {
  return error.issues.slice(0, mostFieldErrors).map(({ path, message }) => ({ path: path.join('.'), message }));
}

async function sendRows(reply: FastifyReply, rows: PassThrough): Promise<FastifyReply> {
  return reply.type(ndjson).header('cache-control', 'no-store').send(rows);
}

export default batch;
