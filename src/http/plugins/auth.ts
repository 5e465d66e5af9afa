import fp from 'fastify-plugin';
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import type { Holder, KeyRing } from '../../keys.js';
import { ProblemError } from '../problems.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Lets a request on that has a known key, or any where there are no keys. Rejects with ProblemError. */
    requireKey: onRequestAsyncHookHandler;
    /** Lets a request on that has an administrator's key. Rejects with ProblemError. */
    requireAdmin: onRequestAsyncHookHandler;
  }
  interface FastifyRequest {
    /** Whose key it came with. */
    holder: Holder | null;
    /** Whom it counts for: the holder of its key, else its address. */
    readonly client: string;
  }
}

const bearer = /^Bearer +(\S+)$/i;

function unauthorized(reply: FastifyReply): never {
  reply.header('www-authenticate', 'Bearer');
  throw new ProblemError('unauthorized');
}

/** API keys as bearer tokens (RFC 6750), and who a request counts for. */
export default fp(
  (app: FastifyInstance, { keys }: { keys?: KeyRing }) => {
    app.decorateRequest('holder', null);
    app.decorateRequest('client', {
      getter(this: FastifyRequest) {
        return this.holder ? `key:${this.holder.name}` : `address:${this.ip}`;
      },
    });
    app.decorate('requireKey', async (request, reply) => {
      if (!keys) return;
      const key = bearer.exec(request.headers.authorization ?? '')?.[1];
      request.holder = (key && keys.holderOf(key)) || null;
      if (!request.holder) unauthorized(reply);
    });
    app.decorate('requireAdmin', async function (request, reply) {
      await app.requireKey.call(app, request, reply);
      // Where there are no keys nobody can prove to be one.
      if (!request.holder) unauthorized(reply);
      if (!request.holder?.isAdmin) throw new ProblemError('forbidden');
    });
    return Promise.resolve();
  },
  { name: 'auth' },
);
