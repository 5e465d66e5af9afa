/**
 * Probabilities of harm as the service's classifier gives them, for the parity test of training. Each text is judged as
 * it stands, without the other readings.
 *
 * Usage: node dist/training/eval/judge-harm.js MODEL.gguf HEAD.json TEXTS.json OUT.json
 */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { LlamaEmbedder } from '../../src/engine/embedder.js';
import { loadLlama } from '../../src/engine/llama.js';
import { loadHead, TrainedClassifier } from '../../src/safety/classifier.js';

const [modelPath, headPath, textsPath, outPath] = process.argv.slice(2);
if (!modelPath || !headPath || !textsPath || !outPath)
  throw new Error('usage: judge-harm MODEL.gguf HEAD.json TEXTS.json OUT.json');

const texts = z.array(z.string()).parse(JSON.parse(await readFile(textsPath, 'utf8')));
const embedder = await LlamaEmbedder.load(await loadLlama({ gpu: false }), modelPath);
const classifier = new TrainedClassifier(embedder, await loadHead(headPath));
const harms: number[] = [];
for (const text of texts) harms.push((await classifier.judgeAsIs(text)).harm);
await writeFile(outPath, JSON.stringify(harms));
await embedder.dispose();
process.exit(0);
