import { setFlagsFromString } from 'node:v8';
import closeWithGrace from 'close-with-grace';
import type { FastifyBaseLogger } from 'fastify';
import { buildApp, type App } from './app.js';
import { ConfigError, loadConfig, type Config } from './config.js';
import { loadLlama } from './engine/llama.js';
import { KeyRing } from './keys.js';
import { logDestination } from './log.js';
import { resolveModel } from './models.js';
import { RedisLink } from './redis.js';
import { loadService, type Surroundings } from './service.js';

/** How often the drain looks whether the last request has been answered. */
const drainPollMs = 50;

/**
 * Listens, loads the model, and drains on SIGTERM or SIGINT; a second signal ends the process at once. SIGHUP reads MODEL and
 * the registry again and serves what they name, without a gap; what cannot be served changes nothing.
 */
export async function serve(config: Config): Promise<App> {
  const llama = loadLlama({ gpu: config.gpu });
  llama.catch(() => {});
  const model = await resolveModel(config.model);
  const links = connect(config);
  const surroundings: Surroundings = {
    redis: links.redis,
    onEngineChange: (isUp, reason) => {
      if (isUp) app.log.info('engine up again');
      else app.log.error({ err: reason }, 'engine down');
    },
  };
  const app: App = await buildApp({
    deadlineMs: config.deadlineMs,
    logDescriptions: config.logDescriptions,
    logger: { level: config.logLevel, stream: logDestination() },
    ...links,
    rateLimit: config.rateLimit,
    corsOrigins: config.corsOrigins,
    trustProxy: config.trustProxy,
    loadModel: async (name) => loadService(config, await resolveModel(name), surroundings),
  });
  links.report(app.log);
  closeWithGrace({ delay: config.drainMs + 5000, logger: app.log, skip: ['SIGHUP'] }, async ({ signal, err }) => {
    if (err) app.log.fatal({ err }, 'unhandled');
    app.log.info({ signal }, 'draining');
    app.service.draining = true;
    const until = performance.now() + config.drainMs;
    while (app.service.open > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    await app.close();
    await app.service.current?.dispose();
    links.close();
  });
  let isReady = false;
  let isAskedAnew = false;
  // Without a handler it would end a process that still loads its model.
  process.on('SIGHUP', () => {
    if (isReady) void reload(app);
    else isAskedAnew = true;
  });
  await app.listen({ host: config.host, port: config.port });
  const service = await loadService(config, model, { ...surroundings, llama });
  app.service.current = service;
  app.metrics.setModel(service.info);
  app.log.info(service.info, 'ready');
  isReady = true;
  if (isAskedAnew) void reload(app);
  return app;
}

/** What the server has beyond itself, and how to hear of its changes and let go of it. */
function connect({ redisUrl, apiKeysFile }: Config) {
  let log: FastifyBaseLogger | undefined;
  const keys = apiKeysFile
    ? new KeyRing(apiKeysFile, (error) => {
        if (error) log?.error({ err: error }, 'API keys not read; those before go on');
        else log?.info('API keys read anew');
      })
    : undefined;
  const redis = redisUrl
    ? new RedisLink(redisUrl, (up, reason) => {
        if (up) log?.info('sharing through Redis');
        else log?.warn({ reason }, 'Redis is gone; this replica goes on with its own cache and limits');
      })
    : undefined;
  return {
    keys,
    redis,
    report: (logger: FastifyBaseLogger) => {
      log = logger;
    },
    close: () => {
      keys?.close();
      redis?.close();
    },
  };
}

/** Serves what MODEL and the registry name now. */
async function reload(app: App): Promise<void> {
  try {
    const { info } = await app.models.to(loadConfig().model);
    app.log.info(info, 'model changed');
  } catch (error) {
    app.log.error({ err: error }, 'model not changed; the present one goes on');
  }
}

/**
 * While the model loads V8 learns that what is made lives long, and goes on to put answers among what it seldom collects, with all they
 * hold; answers from the cache come a fifth faster without.
 */
function keepAnswersYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

/** Runs the server; a setting or model it cannot start with ends it with one line. */
export async function main(): Promise<void> {
  keepAnswersYoung();
  try {
    await serve(loadConfig());
  } catch (error) {
    const known = error instanceof ConfigError || (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    console.error(known ? (error as Error).message : error);
    process.exit(1);
  }
}
