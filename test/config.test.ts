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
  ];
  for (const [name, value, message] of bad)
    t.throws(() => parseConfig({ [name]: value }), { name: 'ConfigError', message }, `${name}=${value}`);
});
