/**
 * Embeds texts with a GGUF as the service does, for the parity check of training.
 *
 * Usage: node dist/training/eval/embed.js MODEL.gguf TEXTS.json OUT.json
 * TEXTS is an array of strings, OUT an array of unit vectors.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { LlamaEmbedder } from '../../src/engine/embedder.js';
import { loadLlama } from '../../src/engine/llama.js';

const [modelPath, textsPath, outPath] = process.argv.slice(2);
if (!modelPath || !textsPath || !outPath) throw new Error('usage: embed MODEL.gguf TEXTS.json OUT.json');

const texts = z.array(z.string()).parse(JSON.parse(await readFile(textsPath, 'utf8')));
const embedder = await LlamaEmbedder.load(await loadLlama({ gpu: false }), modelPath);
const vectors: number[][] = [];
for (const text of texts) vectors.push([...(await embedder.embed(text))]);
await writeFile(outPath, JSON.stringify(vectors));
await embedder.dispose();
process.exit(0);
