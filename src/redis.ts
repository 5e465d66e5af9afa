import { Redis } from 'ioredis';

const commandTimeoutMs = 250;
const longestReconnectMs = 5000;
const reconnectStepMs = 200;

/** A connection to Redis that is never waited for: what it cannot do at once is done without it. */
export class RedisLink {
  readonly client: Redis;
  /** Undefined until it is known. */
  private _up: boolean | undefined;

  /** @param onChange told when the connection comes and goes, with the failure's message */
  constructor(url: string, onChange: (up: boolean, reason: string) => void = () => {}) {
    this.client = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      retryStrategy: (attempt) => Math.min(longestReconnectMs, attempt * reconnectStepMs),
    });
    const change = (up: boolean, reason: string) => {
      if (up === this._up) return;
      this._up = up;
      onChange(up, reason);
    };
    this.client.on('ready', () => change(true, 'connected'));
    this.client.on('error', (error: Error) => change(false, error.message));
    this.client.on('close', () => change(false, 'connection closed'));
  }

  get up(): boolean {
    return this._up === true;
  }

  /** What a command gives, or undefined where it fails or Redis is not there. */
  async attempt<Value>(command: (client: Redis) => Promise<Value>): Promise<Value | undefined> {
    if (!this.up) return undefined;
    try {
      return await command(this.client);
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.client.disconnect();
  }
}
