/**
 * By how many log-odds the prefilter, as it is served, finds texts above or below what it refuses: for fitting a second opinion.
 *
 * Usage: node dist/training/eval/margins.js TEXTS.json OUT.json
 */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { loadConfig } from '../../src/config.js';
import { loadLlama } from '../../src/engine/llama.js';
import { loadPrefilter } from '../../src/service.js';

const [textsPath, outPath] = process.argv.slice(2);
if (!textsPath || !outPath) throw new Error('usage: margins TEXTS.json OUT.json');
const texts = z.array(z.string()).parse(JSON.parse(await readFile(textsPath, 'utf8')));
const { prefilter, trained, dispose } = await loadPrefilter(await loadLlama({ gpu: false }), {
  ...loadConfig(),
  safetyOff: [],
});
const margins: number[] = [];
for (const text of texts) margins.push(trained.margin(await prefilter.judge(text)));
await writeFile(outPath, JSON.stringify(margins));
await dispose();
process.exit(0);
