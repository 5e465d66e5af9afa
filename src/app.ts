import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyServerOptions } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { ConfigError } from './config.js';
import { answerBareErrors, answerClientError, answerFrameworkError } from './http/broken-requests.js';
import auth from './http/plugins/auth.js';
import endpoints from './http/plugins/endpoints.js';
import errors from './http/plugins/errors.js';
import limits from './http/plugins/limits.js';
import metrics from './http/plugins/metrics.js';
import security, { type CorsOrigins } from './http/plugins/security.js';
import service from './http/plugins/service.js';
import swagger from './http/plugins/swagger.js';
import admin from './http/routes/admin.js';
import batch from './http/routes/batch.js';
import operations from './http/routes/operations.js';
import playground from './http/routes/playground.js';
import suggest from './http/routes/suggest.js';
import type { KeyRing } from './keys.js';
import type { RedisLink } from './redis.js';
import type { Service } from './service.js';
import { ModelSwitch } from './switch.js';

declare module 'fastify' {
  interface FastifyInstance {
    models: ModelSwitch;
  }
}

export interface AppOptions {
  /** What answers; may be set later through `app.service`. */
  service?: Service;
  /** Time for one request, in milliseconds. Defaults to 15,000. */
  deadlineMs?: number;
  /** Whether log lines may hold descriptions. Defaults to false. */
  logDescriptions?: boolean;
  /** Defaults to no log. */
  logger?: FastifyServerOptions['logger'];
  /** Who may ask. Defaults to everybody. */
  keys?: KeyRing;
  /** Descriptions a minute for each client. Defaults to 0, no limit. */
  rateLimit?: number;
  /** What replicas share. Defaults to nothing. */
  redis?: RedisLink;
  /** Sites that browsers may call from. Defaults to none but its own. */
  corsOrigins?: CorsOrigins;
  /** Proxies whose X-Forwarded-For is believed. Defaults to none. */
  trustProxy?: false | string[];
  /** Loads another model for /admin/model. Defaults to none: there is only the one. */
  loadModel?: (model: string) => Promise<Service>;
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
  keys,
  rateLimit = 0,
  redis,
  corsOrigins = false,
  trustProxy = false,
  loadModel,
}: AppOptions = {}) {
  const app = Fastify({
    logger,
    bodyLimit,
    trustProxy,
    requestTimeout,
    // A missing Host is answered here, with a body; by Node it would have none.
    http: { headersTimeout, requestTimeout, connectionsCheckingInterval, requireHostHeader: false },
    clientErrorHandler: answerClientError,
    frameworkErrors: answerFrameworkError,
    genReqId: () => randomUUID(),
    logController: new Fastify.LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    // The server drains before it closes; what is open then has nothing to say, such as a browser's connection in reserve.
    forceCloseConnections: true,
  });
  app.setValidatorCompiler(validatorCompiler);
  // Answers are made here, from types, and not from what callers sent; that they fit their schemas is for the tests to say.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  answerBareErrors(app);
  await app.register(errors);
  await app.register(security, { origins: corsOrigins });
  await app.register(service, { service: loaded });
  await app.register(auth, { keys });
  await app.register(limits, { perMinute: rateLimit, redis });
  await app.register(metrics, { redis });
  await app.register(endpoints);
  await app.register(swagger);
  await app.register(operations);
  await app.register(suggest, { deadlineMs, logDescriptions });
  await app.register(batch, { deadlineMs, logDescriptions });
  const models = new ModelSwitch(app.service, loadModel ?? noModels, {
    switched: ({ info }) => app.metrics.setModel(info),
    failed: (error) => app.log.error({ err: error }, 'the model before was not let go of'),
  });
  await app.register(admin, { models });
  app.decorate('models', models);
  await app.register(playground);
  return app.withTypeProvider<ZodTypeProvider>();
}

function noModels(): never {
  throw new ConfigError('this server was not given a way to load models');
}

export type App = Awaited<ReturnType<typeof buildApp>>;
