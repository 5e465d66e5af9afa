import { z } from 'zod';
import { refusalCategories } from '../safety/categories.js';
import type { RedisLink } from '../redis.js';
import { longestName } from '../names/format.js';
import type { AnswerStore, StoredAnswer } from './cache.js';
import { noVerdicts, type Suggestion } from './suggester.js';

const keyPrefix = 'domain-yours:answer:';
/** As many as one request may ask for. */
const mostNames = 20;

const suggestionSchema = z.object({
  name: z
    .string()
    .max(longestName)
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  confidence: z.number().min(0).max(1),
  score: z.number().min(0).max(1),
});

/** What is kept of an answer; whatever else stands under a key is no answer of ours. */
const storedSchema = z
  .discriminatedUnion('status', [
    z.object({
      status: z.literal('ok'),
      suggestions: z.array(suggestionSchema).max(mostNames),
      partial: z.literal(true).optional(),
    }),
    z.object({
      status: z.literal('refused'),
      suggestions: z.array(suggestionSchema).length(0),
      refusal: z.object({
        stage: z.enum(['prefilter', 'generator']),
        category: z.enum(refusalCategories),
        message: z.string(),
      }),
    }),
  ])
  .and(z.object({ until: z.number() }));

/** Answers that replicas share through Redis. Its keys are digests: no description leaves the process. */
export class SharedAnswers implements AnswerStore {
  constructor(
    private readonly _redis: RedisLink,
    private readonly _ttlMs: number,
  ) {}

  async get(key: string): Promise<StoredAnswer | undefined> {
    const text = await this._redis.attempt((client) => client.get(keyPrefix + key));
    const stored = storedSchema.safeParse(text ? parseJson(text) : undefined);
    if (!stored.success) return undefined;
    const { until, ...answer } = stored.data;
    const ttlMs = until - Date.now();
    if (ttlMs <= 0) return undefined;
    const nothing = { timing: { total: 0 }, verdicts: noVerdicts, tokens: { prompt: 0, generated: 0 } };
    return { answer: { ...answer, ...nothing }, ttlMs };
  }

  async set(key: string, { status, suggestions, refusal, partial }: Suggestion): Promise<void> {
    const text = JSON.stringify({ status, suggestions, refusal, partial, until: Date.now() + this._ttlMs });
    await this._redis.attempt((client) => client.set(keyPrefix + key, text, 'PX', this._ttlMs));
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
