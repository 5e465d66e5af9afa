/** The wire contract; openapi.yaml is made from these. */
import { z } from 'zod';
import { refusalCategories } from '../safety/categories.js';
import { longestName, shortestName } from '../names/format.js';

const length = z.number().int().min(shortestName).max(longestName);
const literal = z
  .string()
  .regex(/^[a-z0-9-]+$/, 'only a-z, 0-9 and hyphens')
  .max(longestName);
const wish = z.enum(['avoid', 'allow', 'require']);

export const suggestRequestSchema = z
  .strictObject({
    description: z
      .string()
      .trim()
      .min(3)
      .max(2000)
      .describe('What the business is; may state constraints in words ("at most 9 letters").'),
    count: z.number().int().min(1).max(20).default(5).describe('How many names.'),
    min_length: length.optional().describe('Shortest name, hyphens included; 5 unless said otherwise.'),
    max_length: length.optional().describe('Longest name, hyphens included.'),
    hyphens: wish.optional().describe('Avoided unless this or the text asks for them.'),
    digits: wish.optional().describe('Avoided unless this or the text asks for them.'),
    contains: literal.optional().describe('Letters that every name holds.'),
    starts_with: literal.optional(),
    ends_with: literal.optional(),
    exclude: z
      .array(z.string().trim().min(1).max(longestName))
      .max(200)
      .optional()
      .describe('Names and part-words not to return, for example because they are taken.'),
    like: z
      .array(z.string().trim().min(1).max(longestName))
      .max(5)
      .optional()
      .describe('Names to go in the direction of.'),
    style: z.enum(['any', 'compound', 'blend', 'metaphor', 'invented']).optional(),
    seed: z
      .number()
      .int()
      .optional()
      .describe(
        'The same seed, model and request give the same answer (under load sums may round otherwise and, rarely, a name differs); with another seed nearly equal names change places.',
      ),
  })
  .refine(({ min_length = shortestName, max_length = longestName }) => min_length <= max_length, {
    path: ['max_length'],
    message: 'max_length is less than min_length',
  })
  .refine(
    ({ max_length = longestName, contains = '', starts_with = '', ends_with = '' }) =>
      Math.max(contains.length, starts_with.length, ends_with.length) <= max_length,
    { path: ['max_length'], message: 'max_length is less than what the name has to hold' },
  )
  .meta({ id: 'SuggestRequest' });
export type SuggestRequestBody = z.output<typeof suggestRequestSchema>;

export const suggestionSchema = z
  .object({
    name: z
      .string()
      .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
      .describe('Without a top-level domain.'),
    confidence: z.number().min(0).max(1).describe('The chance that a judge calls the name good.'),
    score: z
      .number()
      .min(0)
      .max(1)
      .describe(
        'Confidence, less where the name repeats words of earlier ones. The order also heeds `style` and `seed`, so it need not fall.',
      ),
  })
  .meta({ id: 'Suggestion' });

const milliseconds = z.number().int().min(0);
const timingSchema = z
  .object({
    total: milliseconds,
    prefilter: milliseconds.optional(),
    recall: milliseconds.optional(),
    queue: milliseconds.optional(),
    generate: milliseconds.optional(),
    rank: milliseconds.optional(),
  })
  .describe('Milliseconds in each stage.');

const answerBase = { id: z.string(), model: z.string(), timing_ms: timingSchema };

export const okAnswerSchema = z
  .object({
    ...answerBase,
    status: z.literal('ok'),
    suggestions: z.array(suggestionSchema),
    partial: z.literal(true).optional().describe('Set when fewer names than asked for passed every check.'),
  })
  .meta({ id: 'OkAnswer' });

export const refusedAnswerSchema = z
  .object({
    ...answerBase,
    status: z.literal('refused'),
    suggestions: z.array(suggestionSchema).length(0),
    refusal: z.object({
      stage: z.enum(['prefilter', 'generator']),
      category: z.enum(refusalCategories),
      message: z.string(),
    }),
  })
  .meta({ id: 'RefusedAnswer' });

export const answerSchema = z.discriminatedUnion('status', [okAnswerSchema, refusedAnswerSchema]);
export type AnswerBody = z.output<typeof answerSchema>;

export const problemSchema = z
  .object({
    type: z.string().describe('Which problem, as a URN.'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('What to do about it.'),
    instance: z.string().describe('Id of the request, as the log has it.'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('Which fields are wrong, and why.'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problemSchema>;

/** Most descriptions that one batch may hold. */
export const longestBatch = 256;

export const batchRequestSchema = z
  .strictObject({
    requests: z
      .array(z.unknown())
      .min(1)
      .max(longestBatch)
      .describe('Each as the body of POST /suggest; one that is not valid spoils its own row alone.'),
  })
  .meta({ id: 'BatchRequest' });

const index = z.number().int().nonnegative().describe('Which of the requests it answers, from 0.');
export const batchRowSchema = z
  .discriminatedUnion('status', [
    okAnswerSchema.extend({ index }),
    refusedAnswerSchema.extend({ index }),
    z.object({ index, status: z.literal('error'), problem: problemSchema }),
  ])
  .meta({ id: 'BatchRow' });
export type BatchRow = z.output<typeof batchRowSchema>;

export const switchRequestSchema = z
  .strictObject({ model: z.string().min(1).max(500).describe('A version of models/registry.json, or `served`.') })
  .meta({ id: 'SwitchRequest' });

export const versionSchema = z
  .object({
    service: z.string(),
    model: z.string(),
    base: z.string(),
    quantization: z.string(),
    sha256: z.string(),
    node: z.string(),
  })
  .meta({ id: 'Version' });

export const healthSchema = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });
