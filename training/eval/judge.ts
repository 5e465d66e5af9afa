import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import type { JudgeConfig } from '../../src/config.js';

/** Tries of one question whose answer is no answer; what the network or the rate limit spoils is tried anew beneath. */
const triesOfOneQuestion = 3;
const networkRetries = 6;
const timeoutMs = 60_000;

/** The judge gave no usable answer: it refused, or what it wrote did not have the asked-for form. */
export class NoVerdictError extends Error {
  override name = 'NoVerdictError';
}

/** What a judge is asked: the instruction is the same for all, the question differs. */
export interface Question<Schema extends z.ZodType> {
  instruction: string;
  question: string;
  /** Name of the answer's form, letters and underscores. */
  form: string;
  schema: Schema;
}

const cacheLineSchema = z.object({ key: z.string(), answer: z.unknown() });

/** Answers on disk, one JSON line each, written as they come: a run that was cut off goes on where it stopped. */
export class AnswerCache {
  private constructor(
    private readonly _path: string,
    private readonly _answers: Map<string, unknown>,
  ) {}

  /** A last line that was cut off is left out. */
  static async open(path: string): Promise<AnswerCache> {
    const answers = new Map<string, unknown>();
    const text = await readFile(path, 'utf8').catch(() => '');
    for (const line of text.split('\n').filter(Boolean)) {
      try {
        const { key, answer } = cacheLineSchema.parse(JSON.parse(line));
        answers.set(key, answer);
      } catch {
        continue;
      }
    }
    await mkdir(dirname(path), { recursive: true });
    return new AnswerCache(path, answers);
  }

  get(key: string): unknown {
    return this._answers.get(key);
  }

  async set(key: string, answer: unknown): Promise<void> {
    this._answers.set(key, answer);
    await appendFile(this._path, JSON.stringify({ key, answer }) + '\n');
  }
}

/** A language model behind an OpenAI-compatible API that answers in a given form. */
export class LlmJudge {
  private readonly _client: OpenAI;
  /** Questions that were answered from disk, and those that were asked. */
  readonly counts = { cached: 0, asked: 0 };

  /** @throws Error when no key is set */
  constructor(
    private readonly _config: JudgeConfig,
    private readonly _cache: AnswerCache,
    options: { maxRetries?: number; timeout?: number } = {},
  ) {
    if (!_config.apiKey) throw new Error('OPENAI_API_KEY is not set: there is no judge to ask');
    this._client = new OpenAI({
      apiKey: _config.apiKey,
      baseURL: _config.baseUrl,
      maxRetries: networkRetries,
      timeout: timeoutMs,
      ...options,
    });
  }

  /** Whether the answer lies on disk. */
  knows(question: Question<z.ZodType>): boolean {
    return this._cache.get(this._key(question)) !== undefined;
  }

  /**
   * @throws NoVerdictError after several answers without the asked-for form, or one refusal
   * @throws OpenAI.APIError when the server fails again and again
   */
  async ask<Schema extends z.ZodType>(question: Question<Schema>): Promise<z.output<Schema>> {
    const key = this._key(question);
    const known = question.schema.safeParse(this._cache.get(key));
    if (known.success) {
      this.counts.cached++;
      return known.data;
    }
    this.counts.asked++;
    let problem: unknown;
    for (let attempt = 0; attempt < triesOfOneQuestion; attempt++) {
      const completion = await this._client.chat.completions.create({
        model: this._config.model,
        temperature: 0,
        messages: [
          { role: 'system', content: question.instruction },
          { role: 'user', content: question.question },
        ],
        response_format: zodResponseFormat(question.schema, question.form),
      });
      const message = completion.choices[0]?.message;
      if (message?.refusal) throw new NoVerdictError(`the judge refused: ${message.refusal}`);
      try {
        const answer = question.schema.parse(JSON.parse(message?.content ?? ''));
        await this._cache.set(key, answer);
        return answer;
      } catch (error) {
        problem = error;
      }
    }
    throw new NoVerdictError('the judge did not answer in the asked-for form', { cause: problem });
  }

  private _key({ instruction, question, form }: Question<z.ZodType>): string {
    const asked = JSON.stringify([this._config.model, form, instruction, question]);
    return createHash('sha256').update(asked).digest('hex');
  }
}
