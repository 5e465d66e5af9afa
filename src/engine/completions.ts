import { z } from 'zod';
import type { GeneratedLine } from './engine.js';

/** A token's text and the natural logarithm of its probability. */
interface WrittenToken {
  text: string;
  logProbability: number;
}

/** One continuation of a prompt. */
export interface Choice {
  text: string;
  tokens: WrittenToken[];
  /** Whether it ended for want of tokens rather than with an end-of-text token. */
  isCut: boolean;
}

export interface Completion {
  choices: Choice[];
  promptTokens: number;
}

/** The completions protocol's own log-probabilities: vLLM, Ray Serve LLM. */
const tokenLists = z
  .object({ tokens: z.array(z.string()), token_logprobs: z.array(z.number()) })
  .transform(({ tokens, token_logprobs }) =>
    tokens.map((text, index) => ({ text, logProbability: token_logprobs[index] ?? 0 })),
  );

/** The chat protocol's, which llama-server answers with here too; `prob` stands for `logprob` after sampling. */
const contentList = z
  .object({
    content: z.array(
      z.union([
        z
          .object({ token: z.string(), logprob: z.number() })
          .transform(({ token, logprob }) => ({ text: token, logProbability: logprob })),
        z
          .object({ token: z.string(), prob: z.number().positive() })
          .transform(({ token, prob }) => ({ text: token, logProbability: Math.log(prob) })),
      ]),
    ),
  })
  .transform(({ content }) => content);

/** A completions answer, as the servers that speak the protocol write it. */
export const completionSchema = z
  .object({
    choices: z
      .array(
        z
          .object({
            text: z.string(),
            finish_reason: z.string().nullish(),
            logprobs: z.union([contentList, tokenLists]).nullish(),
          })
          .refine(({ text, logprobs }) => text === '' || (logprobs?.length ?? 0) > 0, 'text without log-probabilities')
          .transform(({ text, logprobs, finish_reason }): Choice => {
            return { text, tokens: logprobs ?? [], isCut: finish_reason === 'length' };
          }),
      )
      .min(1),
    usage: z.object({ prompt_tokens: z.number() }).nullish(),
  })
  .transform(({ choices, usage }): Completion => ({ choices, promptTokens: usage?.prompt_tokens ?? 0 }));

/**
 * Text that no tokenizer reads a control token into. Servers look for them in prompts (llama-server and vLLM both do, and cannot be
 * told not to); each begins with `<` or `[`: `<|im_end|>`, `</s>`, `[INST]`. A space behind these takes them apart.
 */
export function withoutControlTokens(text: string): string {
  return text.replace(/[<[](?=\S)/g, '$& ');
}

/** The tokens that the model wrote before its end-of-text token, which some servers count and show in their own ways. */
function writtenTokens({ text, tokens, isCut }: Choice): WrittenToken[] {
  const last = tokens.at(-1);
  const endsText = last === undefined || (last.text !== '' && text.endsWith(last.text));
  return isCut || endsText ? tokens : tokens.slice(0, -1);
}

/** The lines of a continuation, each with its tokens, its line break included; a last line that was cut short is left out. */
export function readLines(choice: Choice): { lines: GeneratedLine[]; tokens: number } {
  const written = writtenTokens(choice);
  const lines: GeneratedLine[] = [];
  let line: WrittenToken[] = [];
  const endLine = () => {
    const text = line.map((token) => token.text).join('');
    const logProbability = line.reduce((sum, token) => sum + token.logProbability, 0);
    if (text.trim() !== '') lines.push({ text: text.trim(), logProbability, tokens: line.length });
    line = [];
  };
  for (const token of written) {
    line.push(token);
    if (token.text.includes('\n')) endLine();
  }
  const rest = choice.isCut ? line : [];
  if (!choice.isCut) endLine();
  // A token's own text may lack the space before it; the whole text has it.
  const texts = choice.text
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  const whole = texts.length - (rest.some(({ text }) => text.trim() !== '') ? 1 : 0);
  if (whole === lines.length) lines.forEach((item, index) => (item.text = texts[index]!));
  return { lines, tokens: written.length };
}
