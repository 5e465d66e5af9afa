import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { ModelSwitch } from '../../switch.js';
import { problemResponses } from '../examples.js';
import { switchRequestSchema, versionSchema } from '../schemas.js';
import { versionOf } from './operations.js';

/** POST /admin/model: serves another model without a gap; for holders of an administrator's key. */
const admin: FastifyPluginAsyncZod<{ models: ModelSwitch }> = async (app, { models }) => {
  app.post(
    '/admin/model',
    {
      onRequest: app.requireAdmin,
      schema: {
        tags: ['operations'],
        summary: 'Serve another model; the present one answers until the new one is loaded and checked',
        body: switchRequestSchema,
        response: { 200: versionSchema, ...problemResponses(400, 401, 403, 408, 413, 415, 417, 422, 431, 500, 503) },
      },
    },
    async (request) => {
      app.readyService();
      return versionOf(await models.to(request.body.model));
    },
  );
};

export default admin;
