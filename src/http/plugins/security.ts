import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import fp from 'fastify-plugin';
import type { FastifyInstance } from 'fastify';
import helmet, { contentSecurityPolicy } from 'helmet';

/** Other sites that browsers may call the service from. */
export type CorsOrigins = boolean | string[];

type Headers = Record<string, string>;
type PolicyOptions = NonNullable<Parameters<typeof contentSecurityPolicy>[0]>;

/** What a middleware of helmet sets on an answer. It is the same for all of them, so it is asked once. https://helmetjs.github.io */
function headersBy(middleware: ReturnType<typeof helmet | typeof contentSecurityPolicy>): Headers {
  const headers: Headers = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => {},
  };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, (error) => {
    if (error) throw error as Error;
  });
  return headers;
}

/** The header that holds a content security policy. */
export const policyHeader = (directives: NonNullable<PolicyOptions['directives']>): Headers =>
  headersBy(contentSecurityPolicy({ useDefaults: false, directives }));

/**
 * Security headers, and cross-origin requests where they are allowed. A page that needs more than its own origin sets its own
 * content security policy. https://github.com/fastify/fastify-cors
 */
export default fp(
  async (app: FastifyInstance, { origins }: { origins: CorsOrigins }) => {
    const headers = headersBy(
      helmet({
        contentSecurityPolicy: {
          useDefaults: false,
          directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
        },
        // Whether there is TLS in front is the operator's affair.
        strictTransportSecurity: false,
        crossOriginResourcePolicy: { policy: origins === false ? 'same-origin' : 'cross-origin' },
      }),
    );
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers);
      done();
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
