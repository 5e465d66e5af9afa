import { loadService, type Service, type ServiceConfig } from '../src/service.js';

/** The served model as tests load it: no GPU, few sequences, no cache. */
export const testServiceConfig: ServiceConfig = {
  model: 'served',
  gpu: false,
  threads: 2,
  sequences: 6,
  queueLimit: 64,
  cacheSize: 0,
  safetyThreshold: undefined,
  safetyOff: [],
};

/** The real service on the committed model. */
export function loadTestService(overrides: Partial<ServiceConfig> = {}): Promise<Service> {
  return loadService({ ...testServiceConfig, ...overrides });
}

export const never = new AbortController().signal;
