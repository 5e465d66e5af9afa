import { stringify } from 'yaml';
import { buildApp } from './app.js';

/** The text of openapi.yaml: what the routes and their zod schemas say. */
export async function openapiYaml(): Promise<string> {
  const app = await buildApp();
  await app.ready();
  const text = stringify(JSON.parse(JSON.stringify(app.swagger())), { lineWidth: 120, aliasDuplicateObjects: false });
  await app.close();
  return `# Made by npm run generate from src/http/schemas.ts.\n${text}`;
}
