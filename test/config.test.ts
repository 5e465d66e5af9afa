import t from 'tap';
import { parseConfig } from '../src/config.js';

t.test('an empty environment gives the defaults', async (t) => {
  t.match(parseConfig({}), {
    host: '127.0.0.1',
    port: 3000,
    model: 'served',
    gpu: 'auto',
    logLevel: 'info',
    logDescriptions: false,
  });
  t.ok(parseConfig({}).threads >= 1);
});

t.test('values are read, empty ones count as not set', async (t) => {
  t.match(parseConfig({ PORT: ' 8080 ', GPU: 'false', THREADS: '3', HOST: '' }), {
    port: 8080,
    gpu: false,
    threads: 3,
    host: '127.0.0.1',
  });
});

t.test('a bad value names the variable, what it was and what is allowed, in one line', async (t) => {
  const bad: [string, string, RegExp][] = [
    ['PORT', 'http', /^PORT is "http"; allowed is a whole number from 0 to 65535$/],
    ['PORT', '70000', /^PORT is "70000"/],
    ['GPU', 'rocm', /^GPU is "rocm"; allowed is auto, cuda, metal, vulkan or false$/],
    ['LOG_LEVEL', 'loud', /^LOG_LEVEL is "loud"/],
    ['SEQUENCES', '0', /^SEQUENCES is "0"/],
    ['DEVICE', 'tpu', /^DEVICE is "tpu"/],
    ['HOST', 'not a host', /^HOST is "not a host"/],
    ['SAFETY_THRESHOLD', '0', /^SAFETY_THRESHOLD is "0"; allowed is model, or a number above 0 up to 1$/],
    ['SAFETY_THRESHOLD', '1.5', /^SAFETY_THRESHOLD is "1.5"/],
    ['SAFETY_OFF', 'fruad', /^SAFETY_OFF is "fruad"; allowed is none, or some of extremism, /],
    ['SAFETY_OFF', 'fraud,minors-sexual', /^SAFETY_OFF is "fraud,minors-sexual"/],
    ['SAFETY_OFF', 'weapons', /^SAFETY_OFF is "weapons"/],
  ];
  for (const [name, value, message] of bad)
    t.throws(() => parseConfig({ [name]: value }), { name: 'ConfigError', message }, `${name}=${value}`);
});

t.test('the safety settings: the model’s threshold and no category off unless said otherwise', async (t) => {
  t.match(parseConfig({}), { safetyThreshold: undefined, safetyOff: [] });
  t.match(parseConfig({ SAFETY_THRESHOLD: '0.25', SAFETY_OFF: 'fraud, drugs' }), {
    safetyThreshold: 0.25,
    safetyOff: ['fraud', 'drugs'],
  });
});

t.test('servers that run the model are read as a list; without one it runs here', async (t) => {
  t.equal(parseConfig({}).remote, undefined);
  t.equal(parseConfig({ ENGINE_URLS: ' , ' }).remote, undefined);
  t.same(parseConfig({ ENGINE_URLS: 'http://gpu-1:8000/v1, https://gpu-2', ENGINE_API_KEY: 'key' }).remote, {
    urls: ['http://gpu-1:8000/v1', 'https://gpu-2'],
    model: 'domain.yours',
    apiKey: 'key',
    sequences: 64,
    timeoutMs: 5000,
  });
  for (const urls of ['gpu-1:8000', 'http://user:hidden@gpu-1', 'ftp://gpu-1'])
    t.throws(() => parseConfig({ ENGINE_URLS: urls }), { message: /^ENGINE_URLS is not usable; allowed is http or/ });
});
