import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError } from '../src/config.js';
import { KeyRing, newKey, parseKeys } from '../src/keys.js';

const shop = newKey({ name: 'shop', isAdmin: false });
const boss = newKey({ name: 'boss', isAdmin: true });

t.test('a key is known by its digest, which does not tell it', (t) => {
  t.match(shop.key, /^dy_[\w-]{43}$/);
  t.notMatch(shop.line, shop.key);
  const [known] = parseKeys(`# keys\n\n${boss.line}\n`);
  t.match(known, { holder: { name: 'boss', isAdmin: true } });
  t.end();
});

t.test('a malformed line is named by its number and not shown', (t) => {
  t.throws(
    () => parseKeys(`${shop.line}\nsecret-thing`),
    new ConfigError('API_KEYS_FILE has a line 2 that is not "name sha256-of-the-key [admin]"'),
  );
  t.end();
});

t.test('keys come and go with the file, and an unusable file changes nothing', async (t) => {
  const path = join(t.testdir(), 'keys');
  await writeFile(path, shop.line);
  const reloads: (Error | undefined)[] = [];
  let told = () => {};
  const ring = new KeyRing(path, (error) => {
    reloads.push(error);
    told();
  });
  t.teardown(() => ring.close());
  // Watching a file keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  const change = async (text: string) => {
    const reloaded = new Promise<void>((resolve) => (told = resolve));
    await writeFile(path, text);
    await reloaded;
  };
  t.match(ring.holderOf(shop.key), { name: 'shop', isAdmin: false });
  t.equal(ring.holderOf(boss.key), undefined);
  await change(`${boss.line}\n`);
  t.match(ring.holderOf(boss.key), { name: 'boss', isAdmin: true });
  t.equal(ring.holderOf(shop.key), undefined, 'a key that was taken out is refused');
  await change('nonsense');
  t.match(reloads, [undefined, ConfigError]);
  t.match(ring.holderOf(boss.key), { name: 'boss' });
});

t.test('a file that is missing or empty stops the start', async (t) => {
  const folder = t.testdir({ empty: '# none\n' });
  t.throws(() => new KeyRing(join(folder, 'missing')), ConfigError);
  t.throws(() => new KeyRing(join(folder, 'empty')), ConfigError);
});
