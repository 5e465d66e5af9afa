/** Writes the files that are made from code: openapi.yaml, .env.example and the README's table of settings. Usage: npm run generate */
import { readFile, writeFile } from 'node:fs/promises';
import { envExample, settingsTable } from './config.js';
import { openapiYaml } from './openapi.js';
import { fromRoot } from './paths.js';

const between = /(<!-- settings -->\n)[^]*?(\n<!-- \/settings -->)/;

await writeFile(fromRoot('openapi.yaml'), await openapiYaml());
await writeFile(fromRoot('.env.example'), envExample());
const readme = await readFile(fromRoot('README.md'), 'utf8');
await writeFile(
  fromRoot('README.md'),
  readme.replace(between, (_all, open, close) => `${open}${settingsTable()}${close}`),
);
