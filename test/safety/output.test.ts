import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseBrands } from '../../src/names/brands.js';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { OutputGuard } from '../../src/safety/output.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const guard = new OutputGuard(words, parseBrands(readFileSync(fromRoot('data', 'brands.tsv'), 'utf8')));

t.test('profanity is found as a word, across a join, and in leetspeak', async (t) => {
  for (const name of [
    'shitshow',
    'penisland',
    'whorepresents',
    'sh1tshow',
    'expertsexchange',
    'fuckfactory',
    'pen-island',
  ])
    t.equal(guard.judge(name), 'profanity', name);
});

t.test('a bad run inside one ordinary word is that word’s own', async (t) => {
  for (const name of [
    'therapistroom',
    'cockpitcafe',
    'grapegarden',
    'cocktailcart',
    'peacockpaper',
    'classicdesk',
    'drapestudio',
    'analystdesk',
  ])
    t.equal(guard.judge(name), 'ok', name);
});

t.test('foreign bad words inside English ones are those words’ own', async (t) => {
  for (const name of ['crispchatter', 'palletplanner', 'ribbonballet', 'suspicionscan'])
    t.equal(guard.judge(name), 'ok');
  t.equal(guard.judge('cartecazzo'), 'profanity');
});

t.test('brands are found whole, contained, one edit away and in digits', async (t) => {
  for (const name of ['google', 'paypal', 'paypallogin', 'paypa1', 'g00gle', 'starbuck', 'netflixx', 'face-book'])
    t.equal(guard.judge(name), 'brand', name);
});

t.test('ordinary words that are brands too do not drop honest names', async (t) => {
  for (const name of ['appleorchard', 'targetpractice', 'shellcollector', 'windowscleaned', 'orangegrove', 'visaguide'])
    t.equal(guard.judge(name), 'ok', name);
});

t.test('of 300 innocent names none is dropped, of 300 bad ones none passes', async (t) => {
  const read = (file: string) =>
    readFileSync(fromRoot('test', 'safety', 'names', file), 'utf8')
      .trim()
      .split('\n');
  const innocent = read('innocent.txt');
  const bad = read('bad.tsv').map((line) => line.split('\t') as [string, string]);
  t.ok(innocent.length >= 300);
  t.ok(bad.length >= 300);
  t.same(
    innocent.filter((name) => guard.judge(name) !== 'ok'),
    [],
  );
  t.same(
    bad.filter(([name]) => guard.judge(name) === 'ok'),
    [],
  );
});
