import t from 'tap';
import { cleanLine, editDistance, hasDoubledWord, isName } from '../../src/names/format.js';

t.test('a name is a-z, 0-9 and single hyphens inside', async (t) => {
  for (const name of ['crumbcraft', 'rain-2-flush', 'abcde']) t.ok(isName(name), name);
  for (const text of [
    'abcd',
    '-crumb',
    'crumb-',
    'cr--umb',
    'Crumb',
    'crumb craft',
    'crümb',
    'crumb.com',
    'a'.repeat(51),
    '',
  ])
    t.notOk(isName(text), text);
});

t.test('bounds may be set', async (t) => {
  t.ok(isName('abc', 3));
  t.notOk(isName('abcdef', 3, 5));
});

t.test('a line loses list marks, top-level domain, spaces and capitals', async (t) => {
  t.equal(cleanLine('1. Crumb Craft.com'), 'crumbcraft');
  t.equal(cleanLine('- crumbcraft'), 'crumbcraft');
  t.equal(cleanLine('  7sails'), '7sails');
});

t.test('a doubled word is found', async (t) => {
  t.ok(hasDoubledWord('pilotpilot'));
  t.ok(hasDoubledWord('dogdoghouse'));
  t.ok(hasDoubledWord('tea-tea-time'.replace('tea-time', 'teatime')));
  t.notOk(hasDoubledWord('bananabread'.replace('nana', 'nanu')));
  t.notOk(hasDoubledWord('couscouscafe'.slice(3)));
});

t.test('edit distance counts, and stops at its limit', async (t) => {
  t.equal(editDistance('kitten', 'sitting'), 3);
  t.equal(editDistance('same', 'same'), 0);
  t.equal(editDistance('google', 'goggles', 1), 2);
  t.equal(editDistance('ab', 'abcdef', 1), 2);
});
