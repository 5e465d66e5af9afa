import { execFile } from 'node:child_process';
import { access, mkdir, readFile } from 'node:fs/promises';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { fromRoot } from '../src/paths.js';

const run = promisify(execFile);

const bundled = fromRoot('node_modules', 'node-llama-cpp', 'llama');
const programs = ['llama-server', 'llama-bench', 'llama-batched-bench'];

/** A static build for this machine's processor; what llama-server's page would be downloaded for is left out. */
const buildOptions = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DBUILD_SHARED_LIBS=OFF',
  // GCC 12 takes the stores to an AMX tile configuration for dead ones, and the first tile instruction is an illegal one then.
  '-DCMAKE_CXX_FLAGS=-fno-dse -fno-tree-dse',
  '-DLLAMA_OPENSSL=OFF',
  '-DLLAMA_BUILD_UI=OFF',
  '-DLLAMA_USE_PREBUILT_UI=OFF',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_EXAMPLES=OFF',
  '-DLLAMA_BUILD_APP=OFF',
];

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Builds llama.cpp's own programs from the source that node-llama-cpp ships, the release that serves; at once where they are built.
 * @returns the folder that holds them
 * @throws when git, cmake or a C++ compiler is missing; the error has what they said
 */
export async function buildLlamaCpp(): Promise<string> {
  const info = await readFile(join(bundled, 'llama.cpp.info.json'), 'utf8');
  const { tag } = z.object({ tag: z.string() }).parse(JSON.parse(info));
  const cache = join(homedir(), '.cache', 'domain.yours');
  const source = join(cache, `llama.cpp-${tag}`);
  const build = join(source, 'build');
  const bin = join(build, 'bin');
  const built = await Promise.all(programs.map((program) => exists(join(bin, program))));
  if (built.every(Boolean)) return bin;
  await mkdir(cache, { recursive: true });
  if (!(await exists(source))) await run('git', ['clone', '--quiet', join(bundled, 'gitRelease.bundle'), source]);
  const maxBuffer = Infinity;
  await run('cmake', ['-S', source, '-B', build, ...buildOptions], { maxBuffer });
  const jobs = String(availableParallelism());
  await run('cmake', ['--build', build, '--parallel', jobs, '--target', ...programs], { maxBuffer });
  return bin;
}
