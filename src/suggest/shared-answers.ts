import { z } from 'zod';
import { refusalCategories } from '../safety/categories.js';
import type { RedisLink } from '../redis.js';
import type { AnswerStore } from './cache.js';
import { noVerdicts, type Suggestion } from './suggester.js';

const keyPrefix = 'domain-yours:answer:';

/** What is kept of an answer; whatever else stands under a key is no answer of ours. */
const storedSchema = z.object({
  status: z.enum(['ok', 'refused']),
  suggestions: z.array(
    z.object({
      name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
      confidence: z.number().min(0).max(1),
      score: z.number().min(0).max(1),
    }),
  ),
  refusal: z
    .object({ stage: z.enum(['prefilter', 'generator']), category: z.enum(refusalCategories), message: z.string() })
    .optional(),
  partial: z.literal(true).optional(),
});

/** Answers that replicas share through Redis. Its keys are digests: no description leaves the process. */
export class SharedAnswers implements AnswerStore {
  constructor(
    private readonly _redis: RedisLink,
    private readonly _ttlMs: number,
  ) {}

  async get(key: string): Promise<Suggestion | undefined> {
    const text = await this._redis.attempt((client) => client.get(keyPrefix + key));
    if (!text) return undefined;
    const stored = storedSchema.safeParse(parseJson(text));
    if (!stored.success) return undefined;
    return { ...stored.data, timing: { total: 0 }, verdicts: noVerdicts, tokens: { prompt: 0, generated: 0 } };
  }

  async set(key: string, { status, suggestions, refusal, partial }: Suggestion): Promise<void> {
    const text = JSON.stringify({ status, suggestions, refusal, partial });
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
