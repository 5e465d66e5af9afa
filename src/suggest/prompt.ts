import type { Question } from '../engine/engine.js';

/** How the generator was taught to read a request; training reads the same text from this module's build. */
export interface PromptParts {
  description: string;
  /** Part-words to lean on; none leaves the line out. */
  hints: readonly string[];
}

/** Letters of a description, and of the wishes behind it, that the generator reads. */
export const longestDescription = 600;

/** One line, lower case, no control characters, at most 600 characters: what stands in it cannot end the prompt. */
export function promptLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .toLowerCase()
    .slice(0, longestDescription)
    .replace(/[\ud800-\udbff]$/, '');
}

/** The part of the prompt that all variants of one request share. */
export function promptHead(description: string): string {
  return `Business: ${promptLine(description)}\n`;
}

export function promptTail(hints: readonly string[]): string {
  return hints.length === 0 ? 'Brand names:\n' : `Words: ${hints.join(', ')}\nBrand names:\n`;
}

export function buildPrompt({ description, hints }: PromptParts): string {
  return promptHead(description) + promptTail(hints);
}

/** Whether a founder would choose the name before it, as some versions were taught to say. */
export const verdictQuestion: Question = { mark: ' ?', yes: ' yes', no: ' no' };
