import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fp from 'fastify-plugin';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { serviceVersion } from '../../models.js';
import { answerExamples, problemExample, problemsOfStatus, requestExamples } from '../examples.js';

type TransformObject = typeof jsonSchemaTransformObject;

const mediaSchema = z.looseObject({});
const responsesSchema = z.record(z.string(), z.looseObject({ content: z.record(z.string(), mediaSchema).optional() }));
const documentSchema = z.looseObject({
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        requestBody: z.looseObject({ content: z.record(z.string(), mediaSchema) }).optional(),
        responses: responsesSchema,
      }),
    ),
  ),
});

/** The schemas of requests. */
const asked: ReadonlySet<string> = new Set(['SuggestRequest', 'BatchRequest', 'SwitchRequest']);

/**
 * The type provider writes each named schema twice, as it is read ("…Input") and as it is answered. Requests are read and
 * all else is answered, so one of each is enough, under its plain name.
 */
function dropTwins(document: string): string {
  const { components, ...rest } = documentSchema.parse(JSON.parse(document));
  const plain = (name: string) => name.replace(/Input$/, '');
  const isWanted = (name: string) => asked.has(plain(name)) === name.endsWith('Input');
  const schemas = Object.fromEntries(
    Object.entries(components.schemas)
      .filter(([name]) => isWanted(name))
      .map(([name, schema]) => [plain(name), schema]),
  );
  return JSON.stringify({ ...rest, components: { ...components, schemas } }).replace(
    /schemas\/(\w+)Input"/g,
    (reference, name: string) => (asked.has(name) ? `schemas/${name}"` : reference),
  );
}

/** An example for the request, for each answer and for each problem: the provider passes none on. */
const transformObject: TransformObject = (input) => {
  const document = documentSchema.parse(JSON.parse(dropTwins(JSON.stringify(jsonSchemaTransformObject(input)))));
  for (const [route, path] of Object.entries(document.paths))
    for (const { requestBody, responses } of Object.values(path)) {
      for (const media of Object.values(requestBody?.content ?? {})) {
        const example = requestExamples[route];
        if (example) media.examples = example;
      }
      for (const [status, { content = {} }] of Object.entries(responses)) {
        const problem = content['application/problem+json'];
        if (problem)
          problem.examples = Object.fromEntries(
            problemsOfStatus(Number(status), route).map((kind) => [kind, { value: problemExample(kind) }]),
          );
        if (requestBody)
          for (const [type, examples] of Object.entries(answerExamples[route] ?? {}))
            if (content[type]) content[type].examples = examples;
      }
    }
  return document;
};

/** What the page of the documentation needs: its own files, styles that it writes into itself, and its logo. */
const docsPolicy = {
  'default-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'object-src': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** OpenAPI from the routes' schemas, and its page at /docs. https://github.com/fastify/fastify-swagger */
export default fp(
  async (app: FastifyInstance) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'domain.yours',
          description: 'Suggests domain names for a business, or refuses it. Errors are RFC 9457 problem details.',
          version: serviceVersion,
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        servers: [{ url: 'http://127.0.0.1:3000', description: 'As started by npm start' }],
        tags: [{ name: 'suggest' }, { name: 'operations' }],
        components: {
          securitySchemes: {
            key: { type: 'http', scheme: 'bearer', description: 'An API key, where the operator asks for one.' },
          },
        },
      },
      transform: jsonSchemaTransform,
      transformObject,
    });
    await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: docsPolicy });
    app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  },
  { name: 'swagger' },
);
