import { readFile } from 'node:fs/promises';
import type { FastifyPluginAsync } from 'fastify';
import { fromRoot } from '../../paths.js';

/** GET /: a page to try the service by hand; it needs no other file and calls POST /suggest. */
const playground: FastifyPluginAsync = async (app) => {
  const page = await readFile(fromRoot('src', 'http', 'playground.html'), 'utf8');
  app.get('/', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(page),
  );
};

export default playground;
