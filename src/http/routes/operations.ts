import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { problemSchema, versionSchema, healthSchema } from '../schemas.js';
import { serviceVersion } from '../../models.js';
import type { Service } from '../../service.js';
import { ProblemError } from '../problems.js';

/** Alive ends when the engine has been down for so long. */
const longestDownMs = 60_000;

const unavailable = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
});
/** While the model loads, and when the server is about to end. */
const notReadyResponse = unavailable('Loading, draining, or without its model');

/** Routes for operators: liveness, readiness, version. */
const operations: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/healthz',
    {
      schema: {
        tags: ['operations'],
        summary: 'Alive',
        response: {
          200: healthSchema,
          503: unavailable('Without its model for over a minute: a new process is needed'),
        },
      },
    },
    async () => {
      // Where no new engine can be loaded for so long, only a new process helps.
      if ((app.service.current?.downMs() ?? 0) > longestDownMs) throw new ProblemError('engine-down');
      return { status: 'ok' as const };
    },
  );
  app.get(
    '/readyz',
    {
      schema: {
        tags: ['operations'],
        summary: 'Ready for requests: the model is loaded and the server is not draining',
        response: {
          200: healthSchema,
          503: notReadyResponse,
        },
      },
    },
    async () => {
      app.readyService();
      return { status: 'ok' as const };
    },
  );
  app.get(
    '/version',
    {
      schema: {
        tags: ['operations'],
        summary: 'What answers',
        response: { 200: versionSchema, 503: notReadyResponse },
      },
    },
    async () => versionOf(app.readyService()),
  );
};

export function versionOf({ info }: Service): z.output<typeof versionSchema> {
  const { version: model, base, quantization, sha256 } = info;
  return { service: serviceVersion, model, base, quantization, sha256, node: process.version };
}

export default operations;
