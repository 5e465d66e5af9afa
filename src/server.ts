import closeWithGrace from 'close-with-grace';
import { buildApp, type App } from './app.js';
import { ConfigError, loadConfig, type Config } from './config.js';
import { logDestination } from './log.js';
import { resolveModel } from './models.js';
import { loadService } from './service.js';

/** How often the drain looks whether the last request has been answered. */
const drainPollMs = 50;

/** Listens, loads the model, and drains on SIGTERM or SIGINT; a second signal ends the process at once. */
export async function serve(config: Config): Promise<App> {
  const model = await resolveModel(config.model);
  const app = await buildApp({
    deadlineMs: config.deadlineMs,
    logDescriptions: config.logDescriptions,
    logger: { level: config.logLevel, stream: logDestination() },
  });
  closeWithGrace({ delay: config.drainMs + 5000, logger: app.log }, async ({ signal, err }) => {
    if (err) app.log.fatal({ err }, 'unhandled');
    app.log.info({ signal }, 'draining');
    app.service.draining = true;
    const until = performance.now() + config.drainMs;
    while (app.metrics.inFlight > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    await app.close();
    await app.service.current?.dispose();
  });
  await app.listen({ host: config.host, port: config.port });
  const service = await loadService(config, model);
  app.service.current = service;
  app.metrics.setModel(service.info);
  app.log.info(service.info, 'ready');
  return app;
}

/** Runs the server; a setting or model it cannot start with ends it with one line. */
export async function main(): Promise<void> {
  try {
    await serve(loadConfig());
  } catch (error) {
    const known = error instanceof ConfigError || (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    console.error(known ? (error as Error).message : error);
    process.exit(1);
  }
}
