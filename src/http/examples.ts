/** One example for each answer, shown in openapi.yaml and checked against the schemas by a test. */
import { problemSchema, type AnswerBody, type BatchRow, type Problem } from './schemas.js';
import { problemBody, problemKinds, type ProblemKind } from './problems.js';
import { refusalMessages } from '../safety/categories.js';

export const exampleId = '3f0f1c52-7a0e-4a53-9f0a-6c2d7a8e4b11';

export const batchExample = {
  requests: [{ description: 'Sourdough bakery in Leeds' }, { description: 'Bicycle repair van in Porto', count: 3 }],
};

export const requestExample = { description: 'Sourdough bakery in Leeds that delivers by bike', count: 5 };

export const okExample: AnswerBody = {
  id: exampleId,
  status: 'ok',
  suggestions: [
    { name: 'crumbcyclist', confidence: 0.81, score: 0.81 },
    { name: 'pedalloaf', confidence: 0.77, score: 0.77 },
    { name: 'doughdash', confidence: 0.74, score: 0.74 },
    { name: 'crustcourier', confidence: 0.72, score: 0.72 },
    { name: 'ryderbread', confidence: 0.7, score: 0.44 },
  ],
  model: 'v4',
  timing_ms: { total: 912, prefilter: 1, recall: 12, queue: 0, generate: 760, rank: 139 },
};

export const refusedExample: AnswerBody = {
  id: exampleId,
  status: 'refused',
  suggestions: [],
  refusal: { stage: 'prefilter', category: 'fraud', message: refusalMessages.fraud },
  model: 'v4',
  timing_ms: { total: 1, prefilter: 1 },
};

export const partialExample: AnswerBody = {
  ...okExample,
  status: 'ok',
  suggestions: okExample.suggestions.slice(0, 2),
  partial: true,
};

export function problemExample(kind: ProblemKind): Problem {
  const errors =
    kind === 'invalid'
      ? [{ path: 'description', message: 'Too small: expected string to have >=3 characters' }]
      : undefined;
  return problemBody(kind, exampleId, errors);
}

/** The problems that routes for operators can meet, which are fewer than their status has. */
const operationsProblems: Record<string, readonly ProblemKind[]> = {
  '/healthz': ['engine-down'],
  '/readyz': ['not-ready', 'engine-down', 'draining'],
  '/version': ['not-ready', 'engine-down', 'draining'],
};

/** The problems of a status, of those that a route can meet where it is given, for one OpenAPI response. */
export function problemsOfStatus(status: number, route = ''): ProblemKind[] {
  const kinds = operationsProblems[route] ?? (Object.keys(problemKinds) as ProblemKind[]);
  return kinds.filter((kind) => problemKinds[kind].status === status);
}

/** A key, or none where the operator asks for none. */
export const openOrKey: Record<string, string[]>[] = [{}, { key: [] }];
export const onlyKey: Record<string, string[]>[] = [{ key: [] }];

/** OpenAPI responses for the problems of some statuses. */
export function problemResponses(...statuses: number[]) {
  const responses = statuses.map((status) => [
    status,
    {
      description: problemKinds[problemsOfStatus(status)[0]!].title,
      content: { 'application/problem+json': { schema: problemSchema } },
    },
  ]);
  return Object.fromEntries(responses) as Record<
    number,
    { description: string; content: { 'application/problem+json': { schema: typeof problemSchema } } }
  >;
}

const events = [
  `event: suggestion\ndata: ${JSON.stringify(okExample.suggestions[0])}\n`,
  `event: done\ndata: ${JSON.stringify({ ...okExample, suggestions: okExample.suggestions.slice(0, 1) })}\n`,
].join('\n');

const batchRows: BatchRow[] = [
  { index: 1, ...okExample, suggestions: okExample.suggestions.slice(0, 1) },
  { index: 0, status: 'error', problem: problemExample('deadline') },
];

type Examples = Record<string, { value: unknown }>;

/** Examples of what each route is sent. */
export const requestExamples: Record<string, Examples> = {
  '/suggest': { bakery: { value: requestExample } },
  '/suggest/batch': { two: { value: batchExample } },
  '/admin/model': { previous: { value: { model: 'v1' } } },
};

/** Examples of what each route answers, by media type, as OpenAPI wants them. */
export const answerExamples: Record<string, Record<string, Examples>> = {
  '/suggest': {
    'application/json': {
      ok: { value: okExample },
      partial: { value: partialExample },
      refused: { value: refusedExample },
    },
    'text/event-stream': { events: { value: events } },
  },
  '/suggest/batch': {
    'application/x-ndjson': { rows: { value: batchRows.map((row) => JSON.stringify(row)).join('\n') + '\n' } },
  },
};
