#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import type { z } from 'zod';
import { ConfigError, loadConfig } from './config.js';
import { suggestRequestSchema } from './http/schemas.js';
import { newKey, parseKeys } from './keys.js';
import { main as serve } from './server.js';
import { loadLlama } from './engine/llama.js';
import { loadPrefilter, loadService } from './service.js';

const usage = `usage: domain.yours <command>

  serve                        start the HTTP service (settings: .env.example)
  suggest DESCRIPTION          print names, one a line, or the refusal
    --count N  --seed N  --json
  batch [FILE]                 answer each line of a file, or of what is piped in, with a line of JSON
    --count N  --seed N          a line is a description, or a request as POST /suggest takes it
  key NAME [--admin]           print a new API key, and the line for API_KEYS_FILE
  classify DESCRIPTION         print what the prefilter makes of it: verdict, category, probability of harm`;

async function suggest(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { count: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const request = suggestRequestSchema.safeParse({
    description: positionals.join(' '),
    ...(values.count ? { count: Number(values.count) } : {}),
    ...(values.seed ? { seed: Number(values.seed) } : {}),
  });
  if (!request.success) throw new ConfigError(issuesOf(request.error).join('\n'));
  const config = loadConfig();
  const service = await loadService(config);
  const { suggestion } = await service.suggester.suggest(request.data, AbortSignal.timeout(config.deadlineMs));
  if (values.json) console.log(JSON.stringify(suggestion));
  else if (suggestion.refusal) console.log(`refused (${suggestion.refusal.category}): ${suggestion.refusal.message}`);
  else for (const { name, confidence } of suggestion.suggestions) console.log(`${name}\t${confidence}`);
  await service.dispose();
}

/** Lines of a batch that are worked on side by side. */
const linesAtOnce = 3;

async function batch(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { count: { type: 'string' }, seed: { type: 'string' } },
  });
  const [path, ...more] = positionals;
  if (more.length > 0) throw new ConfigError('batch takes one file');
  const common = {
    ...(values.count ? { count: Number(values.count) } : {}),
    ...(values.seed ? { seed: Number(values.seed) } : {}),
  };
  const lines = (path ? await readFile(path, 'utf8') : await text(process.stdin))
    .split(/\r?\n/)
    .filter((line) => line.trim());
  const config = loadConfig();
  const service = await loadService(config);
  const limit = pLimit(linesAtOnce);
  const answerLine = async (line: string) => {
    const request = suggestRequestSchema.safeParse({ ...common, ...asRequest(line) });
    if (!request.success) return { status: 'error', errors: issuesOf(request.error) };
    const { suggestion } = await service.suggester.suggest(request.data, AbortSignal.timeout(config.deadlineMs));
    const { status, suggestions, refusal, partial } = suggestion;
    return { status, suggestions, ...(refusal ? { refusal } : {}), ...(partial ? { partial } : {}) };
  };
  const printed = lines.map((line, index) =>
    limit(async () => {
      const answer = await answerLine(line).catch((error: unknown) => ({
        status: 'error',
        errors: [(error as Error).message],
      }));
      console.log(JSON.stringify({ index, ...answer }));
    }),
  );
  await Promise.all(printed);
  await service.dispose();
}

/** A line that is a JSON object is the request, any other the description. */
function asRequest(line: string): object {
  try {
    const request: unknown = JSON.parse(line);
    if (typeof request === 'object' && request !== null && !Array.isArray(request)) return request;
  } catch {
    // A description.
  }
  return { description: line.trim() };
}

const issuesOf = ({ issues }: z.ZodError) => issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

async function classify(args: string[]): Promise<void> {
  const description = args.join(' ').trim();
  if (description === '') throw new ConfigError('classify needs a description');
  const config = loadConfig();
  const llama = await loadLlama({ gpu: config.gpu });
  try {
    const { prefilter, trained } = await loadPrefilter(llama, config);
    const judgement = await prefilter.judge(description);
    const verdict = trained.refuses(judgement) ? ['refuse', judgement.category] : ['allow', 'none'];
    console.log([...verdict, judgement.harm.toFixed(3)].join('\t'));
  } finally {
    await llama.dispose();
  }
}

function key(args: string[]): void {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { admin: { type: 'boolean', default: false } },
  });
  const [name, ...more] = positionals;
  if (!name || more.length > 0) throw new ConfigError('key needs one name');
  const { key: secret, line } = newKey({ name, isAdmin: values.admin });
  parseKeys(line);
  console.log(`${secret}\n${line}`);
}

const [command = '', ...rest] = process.argv.slice(2);
try {
  if (command === 'serve') await serve();
  else if (command === 'suggest') await suggest(rest);
  else if (command === 'batch') await batch(rest);
  else if (command === 'classify') await classify(rest);
  else if (command === 'key') key(rest);
  else {
    console.error(usage);
    process.exitCode = 2;
  }
} catch (error) {
  const known = error instanceof ConfigError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  console.error(known ? (error as Error).message : error);
  process.exitCode = 1;
}
