import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyServerOptions } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { answerBareErrors, answerClientError, answerFrameworkError } from './http/broken-requests.js';
import errors from './http/plugins/errors.js';
import metrics from './http/plugins/metrics.js';
import service from './http/plugins/service.js';
import swagger from './http/plugins/swagger.js';
import operations from './http/routes/operations.js';
import playground from './http/routes/playground.js';
import suggest from './http/routes/suggest.js';
import type { Service } from './service.js';

export interface AppOptions {
  /** What answers; may be set later through `app.service`. */
  service?: Service;
  /** Time for one request, in milliseconds. Defaults to 15,000. */
  deadlineMs?: number;
  /** Whether log lines may hold descriptions. Defaults to false. */
  logDescriptions?: boolean;
  /** Defaults to no log. */
  logger?: FastifyServerOptions['logger'];
}

const bodyLimit = 64 * 1024;
/**
 * Who sends a byte a second holds a socket no longer than this, in milliseconds: the headers, then the whole request.
 * `connectionTimeout` stays off: it would end the silence in which names are being made.
 */
const headersTimeout = 10_000;
const requestTimeout = 20_000;
/** How often sockets are looked over for that. */
const connectionsCheckingInterval = 2_000;

/** The Fastify instance with all plugins and routes; does not listen. */
export async function buildApp({
  service: loaded,
  deadlineMs = 15000,
  logDescriptions = false,
  logger = false,
}: AppOptions = {}) {
  const app = Fastify({
    logger,
    bodyLimit,
    requestTimeout,
    // A missing Host is answered here, with a body; by Node it would have none.
    http: { headersTimeout, requestTimeout, connectionsCheckingInterval, requireHostHeader: false },
    clientErrorHandler: answerClientError,
    frameworkErrors: answerFrameworkError,
    genReqId: () => randomUUID(),
    logController: new Fastify.LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  answerBareErrors(app);
  await app.register(errors);
  await app.register(service, { service: loaded });
  await app.register(metrics);
  await app.register(swagger);
  await app.register(operations);
  await app.register(suggest, { deadlineMs, logDescriptions });
  await app.register(playground);
  return app.withTypeProvider<ZodTypeProvider>();
}

export type App = Awaited<ReturnType<typeof buildApp>>;
