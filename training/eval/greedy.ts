/**
 * Continues prompts greedily with a GGUF, for the parity check.
 *
 * Usage: node dist/training/eval/greedy.js MODEL.gguf PROMPTS.json TOKENS
 * Prints a JSON array with one array of token ids a prompt; the end-of-text token ends it.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { loadLlama } from '../../src/engine/llama.js';

const [modelPath, promptsPath, count] = process.argv.slice(2);
if (!modelPath || !promptsPath || !count) throw new Error('usage: greedy MODEL.gguf PROMPTS.json TOKENS');

const prompts = z.array(z.string()).parse(JSON.parse(await readFile(promptsPath, 'utf8')));
const llama = await loadLlama();
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 1024 });
const sequence = context.getSequence();
const outputs: number[][] = [];
for (const prompt of prompts) {
  await sequence.clearHistory();
  const { bos, shouldPrependBosToken } = model.tokens;
  const input = [...(shouldPrependBosToken && bos !== null ? [bos] : []), ...model.tokenize(prompt)];
  const output: number[] = [];
  for await (const token of sequence.evaluate(input, { temperature: 0, yieldEogToken: true })) {
    output.push(token);
    if (output.length >= Number(count) || model.isEogToken(token)) break;
  }
  outputs.push(output);
}
console.log(JSON.stringify(outputs));
process.exit(0);
