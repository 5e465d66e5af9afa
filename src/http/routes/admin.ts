import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { readRegistry } from '../../models.js';
import type { ModelSwitch } from '../../switch.js';
import { onlyKey, problemResponses } from '../examples.js';
import { ProblemError } from '../problems.js';
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
        security: onlyKey,
        summary: 'Serve another model; the present one answers until the new one is loaded and checked',
        body: switchRequestSchema,
        response: { 200: versionSchema, ...problemResponses(400, 401, 403, 408, 413, 415, 417, 422, 431, 500, 503) },
      },
    },
    async (request) => {
      // While the first model loads there is none to take the place of.
      app.readyService();
      const { model } = request.body;
      const { versions } = await readRegistry();
      // A path of this machine is for who runs it, not for who has a key.
      if (model !== 'served' && !versions.includes(model)) throw new ProblemError('unfit');
      return versionOf(await models.to(model));
    },
  );
};

export default admin;
