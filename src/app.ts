import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyServerOptions } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import endpoints from './http/plugins/endpoints.js';
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
    genReqId: () => randomUUID(),
    logController: new Fastify.LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(errors);
  await app.register(service, { service: loaded });
  await app.register(metrics);
  await app.register(endpoints);
  await app.register(swagger);
  await app.register(operations);
  await app.register(suggest, { deadlineMs, logDescriptions });
  await app.register(playground);
  return app.withTypeProvider<ZodTypeProvider>();
}

export type App = Awaited<ReturnType<typeof buildApp>>;
