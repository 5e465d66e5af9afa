import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ConfigError } from './config.js';
import { fromRoot } from './paths.js';
import { secondOpinionSchema, type SecondOpinion } from './safety/second-opinion.js';

const packageSchema = z.object({ version: z.string() });
export const serviceVersion = packageSchema.parse(JSON.parse(readFileSync(fromRoot('package.json'), 'utf8'))).version;

const registrySchema = z.object({
  served: z.string(),
  versions: z.array(z.string()),
  /** Folder of the safety classifier that judges for every version. */
  safety: z.string(),
});

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** What the service needs of a version's card.json; training writes more into it. */
const cardSchema = z.object({
  version: z.string(),
  base: z.object({ name: z.string(), licence: z.string() }),
  quantization: z.string(),
  sha256: sha256Schema,
  /** Folder of the embedding model, relative to the card. */
  embedder: z.string(),
  second_opinion: secondOpinionSchema.optional(),
});
const embedderCardSchema = cardSchema.pick({ sha256: true });
const safetyCardSchema = z.object({ sha256: sha256Schema, head_sha256: sha256Schema });

/** A model that was found and is what its card says. */
export interface VerifiedModel {
  version: string;
  base: string;
  quantization: string;
  sha256: string;
  folder: string;
  modelPath: string;
  embedderPath: string;
  embedderSha256: string;
  /** How its own refusals count; absent from versions that were not taught enough of them. */
  secondOpinion?: SecondOpinion;
}

/**
 * Finds MODEL and checks its files against their cards.
 * @throws ConfigError naming what is missing or corrupt
 */
export async function resolveModel(model: string): Promise<VerifiedModel> {
  const folder = await modelFolder(model);
  const card = cardSchema.parse(await readJson(join(folder, 'card.json')));
  const embedderFolder = resolve(folder, card.embedder);
  const embedderCard = embedderCardSchema.parse(await readJson(join(embedderFolder, 'card.json')));
  const modelPath = await verify(join(folder, 'model.gguf'), card.sha256);
  const embedderPath = await verify(join(embedderFolder, 'model.gguf'), embedderCard.sha256);
  const { version, quantization, sha256 } = card;
  return {
    version,
    base: card.base.name,
    quantization,
    sha256,
    folder,
    modelPath,
    embedderPath,
    embedderSha256: embedderCard.sha256,
    secondOpinion: card.second_opinion,
  };
}

/** A safety classifier that was found and is what its card says. */
export interface VerifiedSafety {
  modelPath: string;
  headPath: string;
  /** Digest of both files. */
  sha256: string;
}

/**
 * Finds the safety classifier and checks it against its card.
 * @throws ConfigError naming what is missing or corrupt
 */
export async function resolveSafety(): Promise<VerifiedSafety> {
  const { safety } = await readRegistry();
  const folder = fromRoot('models', safety);
  const { sha256, head_sha256 } = safetyCardSchema.parse(await readJson(join(folder, 'card.json'), 'the safety guard'));
  return {
    modelPath: await verify(join(folder, 'model.gguf'), sha256, 'the safety guard'),
    headPath: await verify(join(folder, 'head.json'), head_sha256, 'the safety guard'),
    sha256: `${sha256} ${head_sha256}`,
  };
}

/** Which versions there are, and which is served. */
export async function readRegistry() {
  return registrySchema.parse(JSON.parse(await readFile(fromRoot('models', 'registry.json'), 'utf8')));
}

async function modelFolder(model: string): Promise<string> {
  const registry = await readRegistry();
  const version = model === 'served' ? registry.served : model;
  if (registry.versions.includes(version)) return fromRoot('models', version);
  const folder = isAbsolute(model) ? model : resolve(model);
  if (existsSync(join(folder, 'card.json'))) return folder;
  throw new ConfigError(
    `MODEL is ${JSON.stringify(model)}; allowed is served, ${registry.versions.join(', ')} or the path of a version's folder, as training writes it`,
  );
}

/** @param who needs the file, as the error names it */
async function readJson(path: string, who = 'MODEL'): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${who} needs ${path}, which cannot be read (${(error as Error).message})`);
  }
}

/**
 * The path of a file that is what its card says.
 * @param who needs the file, as the error names it
 * @throws ConfigError when it is missing or corrupt
 */
export async function verify(path: string, sha256: string, who = 'MODEL'): Promise<string> {
  if (!existsSync(path)) throw new ConfigError(`${who} needs ${path}, which is missing`);
  const actual = await sha256Of(path);
  if (actual !== sha256)
    throw new ConfigError(
      `${who} needs ${path} with sha256 ${sha256} as its card says, and it has ${actual}: the file is corrupt`,
    );
  return path;
}

/** Few large reads: each has to wait for its turn among the work of the one thread that there is for all. */
const digestChunk = 4 * 1024 * 1024;

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: digestChunk }), hash);
  return hash.digest('hex');
}
