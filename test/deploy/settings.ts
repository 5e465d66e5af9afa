import { envExample } from '../../src/config.js';

/** Settings that come with keys, sharing through Redis and engines elsewhere. */
const coming = ['API_KEYS_FILE', 'CACHE_TTL_S', 'ENGINE_API_KEY', 'ENGINE_MODEL', 'ENGINE_URLS', 'REDIS_URL'];

/** The names of the settings that config.ts knows. */
export const settingNames = new Set([
  ...[...envExample().matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name!),
  ...coming,
]);
