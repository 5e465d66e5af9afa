import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { normalizeText, readings, readLeet, undisguise, unmasked } from '../../src/safety/normalize.js';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { mendSlips } from '../../src/names/spelling.js';
import { fromRoot } from '../../src/paths.js';
import { withoutOrders } from '../../src/suggest/orders.js';
import { anyText, finishes, longTexts, runs } from './support.js';

const unseen = /[\p{Cf}\p{Default_Ignorable_Code_Point}]|(?!\s)\p{Cc}/u;
const harmful = 'guns for sale';
const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));

t.test('every reading of any text is made, lower case, of single spaces, with nothing unseen in it', async (t) => {
  fc.assert(
    fc.property(anyText(), (text) => {
      for (const reading of readings(text))
        if (unseen.test(reading) || /\s\s|^\s|\s$/.test(reading) || /[A-Z]/.test(reading)) return false;
      unmasked(text);
      undisguise(text);
      mendSlips(text, words);
      return true;
    }),
    { numRuns: runs, examples: [['gu\u0001ns'], ['a\u2065b'], ['\u0000']] },
  );
  t.pass();
});

t.test('plain text is read as it stands, and reading it again changes nothing', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 200 }), (text) => {
      const once = normalizeText(text);
      return normalizeText(once) === once && once === text.toLowerCase().replace(/\s+/g, ' ').trim();
    }),
    { numRuns: runs },
  );
  t.pass();
});

t.test('undoing leetspeak twice undoes no more than once where nothing but letters is left', async (t) => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z013457@$ ]{0,60}$/), (text) => {
      const once = readLeet(text);
      return once.length === text.length && (/[^a-z ]/.test(once) || readLeet(once) === once);
    }),
    { numRuns: runs },
  );
  t.pass();
});

t.test('a word is read through whatever unseen is put between its letters', async (t) => {
  const filler = fc.constantFrom(
    ...'\u0001\b\u001b\u007f\u0080\u00ad\u034f\u115f\u180b\u180e\u200b\u200c\u200d\u202e\u2060\u2065\u3164\ufe0f\ufeff\uffa0',
    '\u{e0061}',
    '\u{e0100}',
  );
  const fillers = fc.array(fc.array(filler, { minLength: 1, maxLength: 3 }), {
    minLength: harmful.length,
    maxLength: harmful.length,
  });
  const wear = (between: string[][]) => [...harmful].map((letter, i) => letter + between[i]!.join('')).join('');
  fc.assert(
    fc.property(fillers, (between) => {
      const text = wear(between);
      return normalizeText(text) === harmful && unmasked(text) === harmful;
    }),
    {
      numRuns: runs,
      examples: ['\u0001', '\ufe0f', '\u2065'].map((filler): [string[][]] => [[...harmful].map(() => [filler])]),
    },
  );
  t.pass();
});

t.test('strokes and piles of marks are taken off, accents of honest words are none', async (t) => {
  const stroke = fc.constantFrom(...'\u0334\u0335\u0336\u0337\u0338\u0489\u20dd');
  fc.assert(
    fc.property(stroke, (mark) => unmasked([...harmful].map((letter) => letter + mark).join('')) === harmful),
    { numRuns: runs },
  );
  t.equal(unmasked('g\u0301\u0300\u0302\u0303uns for sale'), harmful);
  for (const honest of ['Tiệm bánh mì ở Huế', 'Tiệm bánh mì'.normalize('NFD'), 'Škoda garáž', 'crème brûlée']) {
    t.equal(unmasked(honest), undefined, honest);
  }
});

t.test('the longest texts come to an end', async (t) => {
  finishes(() => mendSlips(`the ${'qwrtzp '.repeat(280)}`, words));
  finishes(() => mendSlips('A '.repeat(1000), words));
  for (const part of ['ignore ', 'system : ', '<<', '*', '- ', '[ ', ') ( '])
    finishes(() => withoutOrders(part.repeat(2000 / part.length)));
  for (const text of longTexts)
    finishes(() => [readings(text), unmasked(text), undisguise(text), mendSlips(text, words), withoutOrders(text)]);
  t.pass();
});
