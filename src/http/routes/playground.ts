import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyPluginAsync } from 'fastify';
import { fromRoot } from '../../paths.js';
import { policyHeader } from '../plugins/security.js';

/** Lets the page run its own script and style, by their digests, and call its own origin; nothing else. */
function pagePolicy(page: string) {
  const digestsOf = (tag: string) =>
    [...page.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))].map(
      ([, text]) => `'sha256-${createHash('sha256').update(text!).digest('base64')}'`,
    );
  return policyHeader({
    defaultSrc: ["'none'"],
    scriptSrc: digestsOf('script'),
    styleSrc: digestsOf('style'),
    connectSrc: ["'self'"],
    formAction: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  });
}

/** GET /: a page to try the service by hand; it needs no other file and calls POST /suggest. */
const playground: FastifyPluginAsync = async (app) => {
  const page = await readFile(fromRoot('src', 'http', 'playground.html'), 'utf8');
  const policy = pagePolicy(page);
  app.get('/', { schema: { hide: true } }, async (_request, reply) =>
    reply.headers(policy).type('text/html; charset=utf-8').send(page),
  );
};

export default playground;
