import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import fp from 'fastify-plugin';
import type { FastifyInstance } from 'fastify';

/** Other sites that browsers may call the service from. */
export type CorsOrigins = boolean | string[];

/**
 * Security headers, and cross-origin requests where they are allowed. A page that needs more than its own origin sets its own
 * content security policy. https://github.com/fastify/fastify-helmet, https://github.com/fastify/fastify-cors
 */
export default fp(
  async (app: FastifyInstance, { origins }: { origins: CorsOrigins }) => {
    await app.register(helmet, {
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      // Whether there is TLS in front is the operator's affair.
      strictTransportSecurity: false,
      crossOriginResourcePolicy: { policy: origins === false ? 'same-origin' : 'cross-origin' },
    });
    if (origins !== false)
      await app.register(cors, {
        origin: origins,
        methods: ['GET', 'POST'],
        exposedHeaders: ['retry-after', 'ratelimit', 'ratelimit-policy'],
      });
  },
  { name: 'security' },
);
