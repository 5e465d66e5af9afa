#!/usr/bin/env node
import { parseArgs } from 'node:util';
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
  if (!request.success)
    throw new ConfigError(request.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
  const config = loadConfig();
  const service = await loadService(config);
  const { suggestion } = await service.suggester.suggest(request.data, AbortSignal.timeout(config.deadlineMs));
  if (values.json) console.log(JSON.stringify(suggestion));
  else if (suggestion.refusal) console.log(`refused (${suggestion.refusal.category}): ${suggestion.refusal.message}`);
  else for (const { name, confidence } of suggestion.suggestions) console.log(`${name}\t${confidence}`);
  await service.dispose();
}

async function classify(args: string[]): Promise<void> {
  const text = args.join(' ').trim();
  if (text === '') throw new ConfigError('classify needs a description');
  const config = loadConfig();
  const llama = await loadLlama({ gpu: config.gpu });
  try {
    const { prefilter, trained } = await loadPrefilter(llama, config);
    const judgement = await prefilter.judge(text);
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
