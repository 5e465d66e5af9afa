import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { buildApp } from '../../src/app.js';
import { fromRoot } from '../../src/paths.js';
import { loadLightService } from '../light-service.js';

const run = promisify(execFile);
const environment = fromRoot('training', '.cache', 'schemathesis');
const requirements = fromRoot('test', 'http', 'requirements-schemathesis.txt');
/** Requests a route and phase; with all checks they take less than half a minute. */
const examples = 60;
/** Two rules tie fields to one another (a name as short as `max_length` has to hold `contains`), which JSON Schema cannot say. */
const unsayable = 'positive_data_acceptance';

/** The path of schemathesis, which is installed into its own environment unless these very pins are there. */
async function installed(): Promise<string> {
  const stamp = join(environment, 'installed');
  const pins = await readFile(requirements, 'utf8');
  if ((await readFile(stamp, 'utf8').catch(() => '')) !== pins) {
    await run('python3', ['-m', 'venv', environment]);
    await run(join(environment, 'bin', 'pip'), ['install', '--quiet', '--requirement', requirements]);
    await writeFile(stamp, pins);
  }
  return join(environment, 'bin', 'schemathesis');
}

t.test('schemathesis finds nothing that openapi.yaml does not say', async (t) => {
  const schemathesis = await installed();
  const service = await loadLightService();
  const app = await buildApp({ service });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const options = ['--url', address, '--max-examples', String(examples), '--seed', '1', '--no-color'];
  const { output, failed } = await run(
    schemathesis,
    [
      'run',
      fromRoot('openapi.yaml'),
      '--checks',
      'all',
      '--exclude-checks',
      unsayable,
      ...options,
      '--generation-database',
      'none',
    ],
    { cwd: environment, maxBuffer: 16 * 2 ** 20 },
  ).then(
    ({ stdout }) => ({ output: stdout, failed: false }),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ output: stdout + stderr, failed: true }),
  );
  await app.close();
  await service.dispose();
  t.notOk(failed, output.slice(-8000));
  t.match(output, /\d+ generated/);
});
