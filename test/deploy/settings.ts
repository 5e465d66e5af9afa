import { envExample } from '../../src/config.js';

/** The names of the settings that config.ts knows. */
export const settingNames = new Set([...envExample().matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name!));
