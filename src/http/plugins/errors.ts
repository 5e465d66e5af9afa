import fp from 'fastify-plugin';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import {
  ClientGoneError,
  problemBody,
  problemKindOf,
  problemKinds,
  problemMediaType,
  retryAfterSeconds,
  type ProblemKind,
} from '../problems.js';
import type { Problem } from '../schemas.js';

/** Whose cause the operator should see; callers do not. */
export const logged: ReadonlySet<ProblemKind> = new Set(['internal', 'guard-failed', 'engine-down', 'unfit']);
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** More than these help nobody, and a small body can be wrong in thousands of places. */
export const mostFieldErrors = 20;

export function sendProblem(reply: FastifyReply, kind: ProblemKind, errors?: Problem['errors']): FastifyReply {
  const retryAfter = retryAfterSeconds[kind];
  if (retryAfter !== undefined && !reply.hasHeader('retry-after')) reply.header('retry-after', retryAfter);
  // Sent as text: a route's response schema is for its answers.
  return reply
    .code(problemKinds[kind].status)
    .type(problemMediaType)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problemBody(kind, reply.request.id, errors));
}

function fieldErrors(error: FastifyError): Problem['errors'] {
  if (!hasZodFastifySchemaValidationErrors(error)) return [{ path: '', message: error.message }];
  return error.validation.slice(0, mostFieldErrors).map(({ instancePath, message }) => ({
    path: instancePath.replace(/^\//, '').replaceAll('/', '.'),
    message: message ?? 'is not valid',
  }));
}

/** 404, or 405 where the path has other methods. */
function sendNotFound(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const url = request.url.split('?')[0]!;
  const allowed = methods.filter((method) => app.hasRoute({ method, url }));
  if (allowed.length === 0) return sendProblem(reply, 'not-found');
  reply.header('allow', allowed.join(', '));
  return sendProblem(reply, 'method-not-allowed');
}

/** Answers every error as RFC 9457 problem details; a cause that callers should not see stays in the log. */
export default fp(
  (app: FastifyInstance) => {
    app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      if (error instanceof ClientGoneError) {
        request.log.info('client gone');
        return reply.hijack();
      }
      // A body that cannot be read matters less than that nothing here reads one.
      if (request.is404) return sendNotFound(app, request, reply);
      const kind = problemKindOf(error);
      if (logged.has(kind)) request.log.error({ err: error }, 'request failed');
      return sendProblem(reply, kind, kind === 'invalid' ? fieldErrors(error) : undefined);
    });
    app.setNotFoundHandler((request, reply) => sendNotFound(app, request, reply));
    return Promise.resolve();
  },
  { name: 'errors' },
);
