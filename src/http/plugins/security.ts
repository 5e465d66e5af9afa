import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import fp from 'fastify-plugin';
import type { FastifyInstance } from 'fastify';
import helmet, { type HelmetOptions } from 'helmet';

/** Other sites that browsers may call the service from. */
export type CorsOrigins = boolean | string[];

type Headers = Record<string, string>;
type PolicyOptions = Exclude<HelmetOptions['contentSecurityPolicy'], boolean | undefined>;

/** What helmet sets on an answer. It is the same for all of them, so it is asked once. https://helmetjs.github.io */
function headersBy(options: HelmetOptions): Headers {
  const headers: Headers = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => {},
  };
  helmet(options)({} as IncomingMessage, response as unknown as ServerResponse, (error) => {
    if (error) throw error as Error;
  });
  return headers;
}

/** The header that holds a page's own content security policy. */
export function policyHeader(directives: NonNullable<PolicyOptions['directives']>): Headers {
  const name = 'content-security-policy';
  return { [name]: headersBy({ contentSecurityPolicy: { useDefaults: false, directives } })[name]! };
}

/**
 * Security headers, and cross-origin requests where they are allowed. A page that needs more than its own origin sets its own
 * content security policy. https://github.com/fastify/fastify-cors
 */
export default fp(
  async (app: FastifyInstance, { origins }: { origins: CorsOrigins }) => {
    const headers = headersBy({
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
      // Whether there is TLS in front is the operator's affair.
      strictTransportSecurity: false,
      crossOriginResourcePolicy: { policy: origins === false ? 'same-origin' : 'cross-origin' },
    });
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
