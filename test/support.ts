import { loadService, type Service, type ServiceConfig } from '../src/service.js';
import { CachedSuggester, type CacheOptions, type Suggests } from '../src/suggest/cache.js';
import { noVerdicts, type Suggestion } from '../src/suggest/suggester.js';

/** The served model as tests load it: no GPU, few sequences, no cache. */
export const testServiceConfig: ServiceConfig = {
  model: 'served',
  gpu: false,
  threads: 2,
  sequences: 6,
  queueLimit: 64,
  stallMs: 30_000,
  cacheSize: 0,
  cacheTtlMs: 86_400_000,
  safetyThreshold: undefined,
  safetyOff: [],
};

/** The real service on the committed model. */
export function loadTestService(overrides: Partial<ServiceConfig> = {}): Promise<Service> {
  return loadService({ ...testServiceConfig, ...overrides });
}

export const never = new AbortController().signal;

/** An answer as the suggester gives it, for tests of what stands around it. */
export function suggestionOf(...names: string[]): Suggestion {
  return {
    status: 'ok',
    suggestions: names.map((name) => ({ name, confidence: 0.5, score: 0.5 })),
    timing: { total: 1 },
    verdicts: noVerdicts,
    tokens: { prompt: 0, generated: 0 },
  };
}

export interface ServiceAroundOptions {
  cache?: Partial<CacheOptions>;
  info?: Partial<Service['info']>;
  dispose?: () => Promise<void>;
}

/** A service around a suggester that does what the test says, for tests that need no model. */
export function serviceAround(
  suggest: Suggests['suggest'],
  { cache = {}, info = {}, dispose = async () => {} }: ServiceAroundOptions = {},
): Service {
  const options = { size: 0, ttlMs: 60_000, version: '', ...cache };
  return {
    info: { version: 'v0', base: 'none', quantization: 'none', sha256: '0'.repeat(64), ...info },
    suggester: new CachedSuggester({ suggest }, options, () => 0),
    cacheEnabled: options.size > 0,
    isUp: () => true,
    restarts: () => 0,
    downMs: () => 0,
    dispose,
  };
}
