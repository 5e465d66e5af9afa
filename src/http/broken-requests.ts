/** Requests that are wrong before there is a route for them: answered as problems too, and never logged, as they hold what was sent. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './plugins/errors.js';
import { problemBody, problemKindOf, problemKinds, problemMediaType, type ProblemKind } from './problems.js';

function problemText(kind: ProblemKind): { status: number; title: string; body: string } {
  const { status, title } = problemKinds[kind];
  return { status, title, body: JSON.stringify(problemBody(kind, randomUUID())) };
}

/** What the HTTP parser cannot read, or waited for too long: told where there is still somebody to tell, then the end. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const kind = problemKindOf(error);
  const { status, title, body } = problemText(kind === 'internal' ? 'invalid' : kind);
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    `content-type: ${problemMediaType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

/** A path that is no path. */
export function answerFrameworkError(error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, problemKindOf(error));
}

/** An `Expect` header that asks for what HTTP does not know. */
function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const { status, body } = problemText('expectation');
  const headers = { 'content-type': problemMediaType, 'content-length': Buffer.byteLength(body), connection: 'close' };
  response.writeHead(status, headers).end(body);
}

/** Takes over what Node would answer with an empty body: an unknown expectation, and HTTP/1.1 without a Host (RFC 9112, 3.2). */
export function answerBareErrors(app: FastifyInstance): void {
  app.server.on('checkExpectation', answerExpectation);
  app.addHook('onRequest', async (request, reply) => {
    const { httpVersion, headers } = request.raw;
    if (httpVersion === '1.1' && headers.host === undefined)
      return sendProblem(reply, 'invalid', [{ path: '', message: 'the Host header is missing' }]);
  });
}
