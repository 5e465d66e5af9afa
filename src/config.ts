import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parse as parseDotEnv } from 'dotenv';
import { z } from 'zod';
import { fromRoot } from './paths.js';
import { lockedCategories, refusalCategories } from './safety/categories.js';

/** A value in the environment that the process cannot start with; the message is one line for the operator. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

interface Setting<Schema extends z.ZodType> {
  schema: Schema;
  /** What is allowed, as it ends the sentence "allowed is …". */
  allowed: string;
  /** The default as the environment would spell it. */
  fallback: string;
  about: string;
  /** Never printed when it is wrong. */
  secret?: boolean;
}

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));

const numberSetting = (min: number, max: number, fallback: number, about: string) => ({
  schema: wholeNumber(min, max),
  allowed: `a whole number from ${min} to ${max}`,
  fallback: String(fallback),
  about,
});

const secretSetting = (about: string) => ({
  schema: z.string(),
  allowed: 'any text',
  fallback: '',
  about,
  secret: true,
});

const switchable = refusalCategories.filter((category) => !lockedCategories.includes(category));

const settings = {
  HOST: {
    schema: z.string().regex(/^[A-Za-z0-9.:-]+$/),
    allowed: 'a host name or an address',
    fallback: '127.0.0.1',
    about: 'Address to listen on; 0.0.0.0 for every one of this machine.',
  },
  PORT: numberSetting(0, 65535, 3000, 'Port to listen on; 0 takes a free one.'),
  MODEL: {
    schema: z.string().min(1),
    allowed: "a version in models/registry.json or the path of a version's folder, as training writes it",
    fallback: 'served',
    about: 'Which version answers; `served` is the one that models/registry.json names.',
  },
  GPU: {
    schema: z.enum(['auto', 'cuda', 'metal', 'vulkan', 'false']).transform((gpu) => (gpu === 'false' ? false : gpu)),
    allowed: 'auto, cuda, metal, vulkan or false',
    fallback: 'auto',
    about: 'What computes; `auto` takes a GPU where there is one that works.',
  },
  THREADS: numberSetting(0, 256, 0, 'CPU threads for the model; 0 is one a core.'),
  SEQUENCES: numberSetting(1, 64, 12, 'Name lists decoded side by side, over all requests.'),
  ENGINE_URLS: {
    schema: z
      .string()
      .transform((list) =>
        list
          .split(',')
          .map((url) => url.trim())
          .filter((url) => url !== ''),
      )
      .pipe(z.array(z.url({ protocol: /^https?$/ }).refine((url) => !new URL(url).username && !new URL(url).password))),
    allowed: 'http or https addresses without a password, with commas between',
    fallback: '',
    about:
      'OpenAI-compatible servers of the model (vLLM, llama-server), such as http://gpu-1:8000/v1; none: it runs here.',
    secret: true,
  },
  ENGINE_MODEL: {
    schema: z.string().min(1),
    allowed: 'a model of those servers',
    fallback: 'domain.yours',
    about: 'The name of the model there.',
  },
  ENGINE_API_KEY: secretSetting('The key that those servers ask for, where they do.'),
  ENGINE_SEQUENCES: numberSetting(1, 100000, 64, 'Name lists that those servers write side by side, all together.'),
  ENGINE_TIMEOUT_MS: numberSetting(100, 600000, 5000, 'Time for one answer of such a server; then another is asked.'),
  QUEUE_LIMIT: numberSetting(0, 100000, 64, 'Requests that may wait for a sequence; one more is answered 503.'),
  DEADLINE_MS: numberSetting(100, 600000, 15000, 'Time for one request, waiting included; then it is answered 504.'),
  DRAIN_MS: numberSetting(0, 600000, 20000, 'Time that requests in flight have to finish after SIGTERM.'),
  STALL_MS: numberSetting(100, 600000, 30000, 'Time without a token after which the model is loaded anew.'),
  CACHE_SIZE: numberSetting(0, 1000000, 1000, 'Answers kept in memory; 0 keeps none.'),
  CACHE_TTL_S: numberSetting(1, 31536000, 86400, 'Seconds that an answer is kept.'),
  REDIS_URL: {
    schema: z.union([z.literal('').transform(() => undefined), z.url({ protocol: /^rediss?$/ })]),
    allowed: 'a redis or rediss address',
    fallback: '',
    about: 'Redis through which replicas share answers and rate limits; without it each has its own.',
    secret: true,
  },
  API_KEYS_FILE: {
    schema: z.string(),
    allowed: 'the path of a file',
    fallback: '',
    about: 'File of hashed API keys (`npm run -s key -- NAME` makes one); without it no key is needed.',
  },
  RATE_LIMIT: numberSetting(
    0,
    1000000,
    0,
    'Descriptions a minute for each key, or address where there are no keys; 0 is no limit.',
  ),
  CORS_ORIGINS: {
    schema: z
      .string()
      .transform((list) =>
        list === 'none' ? false : list === '*' ? true : list.split(',').map((origin) => origin.trim()),
      )
      .pipe(z.union([z.boolean(), z.array(z.url({ protocol: /^https?$/ }))])),
    allowed: 'none, * or origins with commas between',
    fallback: 'none',
    about: 'Sites that browsers may call the service from.',
  },
  TRUST_PROXY: {
    schema: z
      .string()
      .transform((list) => (list === 'none' ? false : list.split(',').map((address) => address.trim())))
      .pipe(z.union([z.literal(false), z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))])),
    allowed: 'none, or addresses or networks with commas between',
    fallback: 'none',
    about: 'Proxies in front whose X-Forwarded-For is believed.',
  },
  SAFETY_THRESHOLD: {
    schema: z.union([
      z.literal('model').transform(() => undefined),
      z
        .string()
        .regex(/^(0?\.\d+|1(\.0+)?)$/)
        .transform(Number)
        .pipe(z.number().gt(0)),
    ]),
    allowed: 'model, or a number above 0 up to 1',
    fallback: 'model',
    about: 'Probability of harm from which a description is refused; `model` takes what the classifier was tuned to.',
  },
  SAFETY_OFF: {
    schema: z
      .string()
      .transform((list) => (list === 'none' ? [] : list.split(',').map((category) => category.trim())))
      .pipe(z.array(z.enum(switchable))),
    allowed: `none, or some of ${switchable.join(', ')}, with commas between`,
    fallback: 'none',
    about: 'Categories that are not refused; those for children, weapons and sexual services cannot be switched off.',
  },
  LOG_LEVEL: {
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    allowed: 'fatal, error, warn, info, debug, trace or silent',
    fallback: 'info',
    about: 'The least severe log line that is written.',
  },
  LOG_DESCRIPTIONS: {
    schema: z.enum(['true', 'false']).transform((value) => value === 'true'),
    allowed: 'true or false',
    fallback: 'false',
    about: 'Whether log lines may hold what callers wrote.',
  },
  HUGGINGFACE_API_TOKEN: secretSetting('Training: for bases on the Hugging Face hub that ask for one.'),
  OPENAI_API_KEY: secretSetting('Evaluation: for a judge behind an OpenAI-compatible API.'),
  JUDGE_BASE_URL: {
    schema: z.url({ protocol: /^https?$/ }),
    allowed: 'an http or https address',
    fallback: 'https://api.openai.com/v1',
    about: 'Evaluation: where the judge answers.',
  },
  JUDGE_MODEL: {
    schema: z.string().min(1),
    allowed: 'a model of that API',
    fallback: 'gpt-4.1-mini',
    about: 'Evaluation: which model judges.',
  },
  DEVICE: {
    schema: z.enum(['auto', 'cuda', 'mps', 'cpu']),
    allowed: 'auto, cuda, mps or cpu',
    fallback: 'auto',
    about: 'Training: what to train on.',
  },
} satisfies Record<string, Setting<z.ZodType>>;

type SettingName = keyof typeof settings;
type Values = { [Name in SettingName]: z.output<(typeof settings)[Name]['schema']> };

export interface Config {
  host: string;
  port: number;
  model: string;
  gpu: Values['GPU'];
  threads: number;
  sequences: number;
  /** Undefined: the model runs in this process. */
  remote: RemoteConfig | undefined;
  queueLimit: number;
  deadlineMs: number;
  drainMs: number;
  stallMs: number;
  cacheSize: number;
  cacheTtlMs: number;
  redisUrl: string | undefined;
  /** Undefined: no key is needed. */
  apiKeysFile: string | undefined;
  /** Descriptions a minute; 0 is no limit. */
  rateLimit: number;
  corsOrigins: Values['CORS_ORIGINS'];
  trustProxy: Values['TRUST_PROXY'];
  /** Undefined: the classifier's own. */
  safetyThreshold: number | undefined;
  safetyOff: Values['SAFETY_OFF'];
  logLevel: Values['LOG_LEVEL'];
  logDescriptions: boolean;
  judge: JudgeConfig;
}

/** Which servers run the model. */
export interface RemoteConfig {
  /** At least one. */
  urls: string[];
  model: string;
  apiKey: string;
  sequences: number;
  timeoutMs: number;
}

/** Where the judge of names is asked. */
export interface JudgeConfig {
  /** Undefined: there is none to ask. */
  apiKey: string | undefined;
  baseUrl: string;
  model: string;
}

/**
 * Reads the settings from `environment`; an empty value counts as not set.
 * @throws ConfigError naming the first wrong variable, its value and what is allowed
 */
export function parseConfig(environment: Record<string, string | undefined>): Config {
  const entries = Object.entries(settings).map(([name, setting]) => {
    const given = environment[name]?.trim() || setting.fallback;
    const parsed = setting.schema.safeParse(given);
    if (parsed.success) return [name, parsed.data] as const;
    const shown = 'secret' in setting ? 'not usable' : JSON.stringify(given);
    throw new ConfigError(`${name} is ${shown}; allowed is ${setting.allowed}`);
  });
  const values = Object.fromEntries(entries) as Values;
  return {
    host: values.HOST,
    port: values.PORT,
    model: values.MODEL,
    gpu: values.GPU,
    threads: values.THREADS || availableParallelism(),
    sequences: values.SEQUENCES,
    remote:
      values.ENGINE_URLS.length === 0
        ? undefined
        : {
            urls: values.ENGINE_URLS,
            model: values.ENGINE_MODEL,
            apiKey: values.ENGINE_API_KEY,
            sequences: values.ENGINE_SEQUENCES,
            timeoutMs: values.ENGINE_TIMEOUT_MS,
          },
    queueLimit: values.QUEUE_LIMIT,
    deadlineMs: values.DEADLINE_MS,
    drainMs: values.DRAIN_MS,
    stallMs: values.STALL_MS,
    cacheSize: values.CACHE_SIZE,
    cacheTtlMs: values.CACHE_TTL_S * 1000,
    redisUrl: values.REDIS_URL,
    apiKeysFile: values.API_KEYS_FILE || undefined,
    rateLimit: values.RATE_LIMIT,
    corsOrigins: values.CORS_ORIGINS,
    trustProxy: values.TRUST_PROXY,
    safetyThreshold: values.SAFETY_THRESHOLD,
    safetyOff: values.SAFETY_OFF,
    logLevel: values.LOG_LEVEL,
    logDescriptions: values.LOG_DESCRIPTIONS,
    judge: {
      apiKey: values.OPENAI_API_KEY || undefined,
      baseUrl: values.JUDGE_BASE_URL,
      model: values.JUDGE_MODEL,
    },
  };
}

/**
 * The settings of this process: its environment, and beneath it the file .env of the project where there is one, as it stands
 * now.
 */
export function loadConfig(): Config {
  const path = fromRoot('.env');
  return parseConfig({ ...(existsSync(path) ? parseDotEnv(readFileSync(path)) : {}), ...process.env });
}

/** The README's table of settings. */
export function settingsTable(): string {
  const rows = Object.entries(settings).map(
    ([name, { fallback, allowed, about }]) =>
      `| \`${name}\` | ${fallback ? `\`${fallback}\`` : ''} | ${allowed} | ${about} |`,
  );
  return ['| variable | default | allowed | what it does |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** The text of .env.example. */
export function envExample(): string {
  return Object.entries(settings)
    .map(([name, { fallback, allowed, about }]) => `# ${about}\n# Allowed: ${allowed}.\n${name}=${fallback}\n`)
    .join('\n');
}
