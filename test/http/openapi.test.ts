import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { parse } from 'yaml';
import { envExample, settingsTable } from '../../src/config.js';
import * as examples from '../../src/http/examples.js';
import { problemKinds, type ProblemKind } from '../../src/http/problems.js';
import { answerSchema, problemSchema, suggestRequestSchema } from '../../src/http/schemas.js';
import { openapiYaml } from '../../src/openapi.js';
import { fromRoot } from '../../src/paths.js';

const committed = await readFile(fromRoot('openapi.yaml'), 'utf8');

t.test('openapi.yaml is what the schemas say (else: npm run generate)', async (t) => {
  t.equal(committed, await openapiYaml());
});

t.test('it is valid OpenAPI 3.1', async (t) => {
  const { valid, errors } = await new Validator().validate(parse(committed) as Record<string, unknown>);
  t.ok(valid, JSON.stringify(errors));
  t.equal(parse(committed).openapi, '3.1.0');
});

t.test('every answer and every error of POST /suggest has an example', async (t) => {
  const { responses } = parse(committed).paths['/suggest'].post;
  t.same(Object.keys(responses['200'].content['application/json'].examples), ['ok', 'partial', 'refused']);
  for (const status of ['400', '401', '413', '415', '429', '500', '503', '504'])
    t.ok(Object.keys(responses[status].content['application/problem+json'].examples).length > 0, status);
});

t.test('the examples match their schemas', async (t) => {
  suggestRequestSchema.parse(examples.requestExample);
  for (const example of [examples.okExample, examples.partialExample, examples.refusedExample])
    answerSchema.parse(example);
  for (const kind of Object.keys(problemKinds) as ProblemKind[]) problemSchema.parse(examples.problemExample(kind));
  t.pass();
});

t.test('.env.example and the README’s settings are what config.ts says (else: npm run generate)', async (t) => {
  t.equal(await readFile(fromRoot('.env.example'), 'utf8'), envExample());
  t.ok((await readFile(fromRoot('README.md'), 'utf8')).includes(settingsTable()));
});
