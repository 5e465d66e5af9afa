import { join } from 'node:path';
import pLimit from 'p-limit';
import type { z } from 'zod';
import type { JudgeConfig } from '../../src/config.js';
import { AnswerCache, LlmJudge, NoVerdictError, type Question } from './judge.js';

const questionsAtOnce = 8;
/** Letters a token, about, for the estimate of what a run costs. */
const lettersPerToken = 4;

export interface AskOptions {
  /** Where answers.jsonl lies, so that a rerun costs nothing. */
  folder: string;
  /** About how many tokens an answer takes. */
  tokensPerAnswer: number;
  /** Dollars a million tokens, in and out, as `IN,OUT`; without it the estimate is of tokens alone. */
  price?: string;
}

/**
 * Puts questions to the judge, a few at once, after saying what that will cost.
 * @returns an answer for each question, undefined where the judge gave none
 * @throws OpenAI.APIError when the server fails again and again
 */
export async function askEach<Schema extends z.ZodType>(
  config: JudgeConfig,
  questions: readonly Question<Schema>[],
  { folder, tokensPerAnswer, price }: AskOptions,
): Promise<(z.output<Schema> | undefined)[]> {
  const judge = new LlmJudge(config, await AnswerCache.open(join(folder, 'answers.jsonl')));
  const open = questions.filter((question) => !judge.knows(question));
  const letters = open.reduce((sum, { instruction, question }) => sum + instruction.length + question.length, 0);
  const [tokensIn, tokensOut] = [Math.round(letters / lettersPerToken), open.length * tokensPerAnswer];
  const [priceIn = NaN, priceOut = NaN] = (price ?? '').split(',').map(Number);
  const dollars = (tokensIn * priceIn + tokensOut * priceOut) / 1e6;
  console.log(
    `${open.length} of ${questions.length} questions to ${config.model}: about ${tokensIn} tokens in, ${tokensOut} out` +
      (Number.isNaN(dollars) ? '' : `, $${dollars.toFixed(2)}`),
  );
  const limit = pLimit(questionsAtOnce);
  let unanswered = 0;
  const answers = await Promise.all(
    questions.map((question) =>
      limit(async () => {
        try {
          return await judge.ask(question);
        } catch (error) {
          if (!(error instanceof NoVerdictError)) throw error;
          unanswered++;
          return undefined;
        }
      }),
    ),
  );
  if (unanswered > 0) console.log(`${unanswered} questions without an answer`);
  return answers;
}
