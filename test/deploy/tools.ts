import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { fromRoot } from '../../src/paths.js';

export const deployed = (...parts: string[]) => fromRoot('deploy', ...parts);

export interface Ran {
  code: number;
  /** Both streams. */
  output: string;
}

/** Runs a program to its end. @throws when it cannot be started */
export function run(command: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile(command, args, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') return reject(new Error(`${command} did not run`, { cause: error }));
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });
}

async function runOrThrow(command: string, ...args: string[]): Promise<void> {
  const { code, output } = await run(command, ...args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${output}`);
}

const environment = fromRoot('training', '.cache', 'deploy-check');

/** The folder of the programs of deploy/requirements-check.txt, which are installed unless they are there. */
export async function checkers(): Promise<string> {
  const requirements = deployed('requirements-check.txt');
  const pins = await readFile(requirements, 'utf8');
  // Written last, so that an installation that was cut short is made again.
  const stamp = join(environment, 'installed');
  if (!existsSync(stamp) || (await readFile(stamp, 'utf8')) !== pins) {
    await runOrThrow('python3', '-m', 'venv', environment);
    await runOrThrow(join(environment, 'bin', 'pip'), 'install', '--quiet', '--requirement', requirements);
    await writeFile(stamp, pins);
  }
  return join(environment, 'bin');
}

/** The documents of a YAML file. @throws on a syntax error or a key that stands twice */
export async function readYaml(path: string): Promise<unknown[]> {
  const documents = parseAllDocuments(await readFile(path, 'utf8'), { merge: true });
  return documents.map((document) => {
    for (const error of document.errors) throw error;
    return document.toJS() as unknown;
  });
}
