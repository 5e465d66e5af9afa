import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { ConfigError } from './config.js';

/** Who holds a key. */
export interface Holder {
  name: string;
  /** May also change which model is served. */
  isAdmin: boolean;
}

const keyPrefix = 'dy_';
const keyBytes = 32;
const watchIntervalMs = 1000;
const linePattern = /^([\w.-]{1,64})\s+([0-9a-f]{64})(?:\s+(admin))?$/;

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** A new key, which is shown once, and the line of the key file that knows it. */
export function newKey({ name, isAdmin }: Holder): { key: string; line: string } {
  const key = keyPrefix + randomBytes(keyBytes).toString('base64url');
  return { key, line: [name, digestOf(key).toString('hex'), ...(isAdmin ? ['admin'] : [])].join(' ') };
}

/**
 * Reads lines of `name sha256-of-the-key [admin]`; empty lines and comments (#) are skipped. Keys are 256 random bits, so a
 * plain digest cannot be guessed back.
 * @throws ConfigError naming the first wrong line, without what stands in it
 */
export function parseKeys(text: string): { digest: Buffer; holder: Holder }[] {
  const keys: { digest: Buffer; holder: Holder }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    const [, name, digest, admin] = linePattern.exec(line.trim()) ?? [];
    if (!name || !digest)
      throw new ConfigError(`API_KEYS_FILE has a line ${index + 1} that is not "name sha256-of-the-key [admin]"`);
    keys.push({ digest: Buffer.from(digest, 'hex'), holder: { name, isAdmin: admin !== undefined } });
  }
  return keys;
}

/** The keys of a file, read again when it changes: keys come and go without a restart. */
export class KeyRing {
  private _keys: ReturnType<typeof parseKeys>;

  /**
   * @param onReload told after each change of the file; with the error, where it is unusable and the keys before it go on
   * @throws ConfigError when the file cannot be read or is malformed
   */
  constructor(
    private readonly _path: string,
    onReload: (error?: Error) => void = () => {},
  ) {
    this._keys = this._read();
    watchFile(_path, { interval: watchIntervalMs, persistent: false }, () => {
      try {
        this._keys = this._read();
        onReload();
      } catch (error) {
        onReload(error as Error);
      }
    });
  }

  /** Who holds the key; compared with every known one in constant time. */
  holderOf(key: string): Holder | undefined {
    const digest = digestOf(key);
    let holder: Holder | undefined;
    for (const known of this._keys) if (timingSafeEqual(known.digest, digest)) holder = known.holder;
    return holder;
  }

  close(): void {
    unwatchFile(this._path);
  }

  private _read(): ReturnType<typeof parseKeys> {
    let text: string;
    try {
      text = readFileSync(this._path, 'utf8');
    } catch (error) {
      throw new ConfigError(`API_KEYS_FILE cannot be read (${(error as Error).message})`);
    }
    const keys = parseKeys(text);
    if (keys.length === 0) throw new ConfigError('API_KEYS_FILE has no key in it');
    return keys;
  }
}
