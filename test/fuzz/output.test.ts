import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { parseBrands } from '../../src/names/brands.js';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { OutputGuard } from '../../src/safety/output.js';
import { anyText, finishes, runs } from './support.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const guard = new OutputGuard(words, parseBrands(readFileSync(fromRoot('data', 'brands.tsv'), 'utf8')));

/** Of the kinds that the guard promises to find: with a decent sense in no business's name. */
const profane = fc.constantFrom(
  'fuck',
  'cunt',
  'nigger',
  'faggot',
  'asshole',
  'blowjob',
  'shit',
  'bitch',
  'whore',
  'wanker',
);
const ordinary = fc.constantFrom('bread', 'garden', 'river', 'studio', 'maple', 'copper', 'window', 'harbour');

t.test('any text is judged', async (t) => {
  fc.assert(
    fc.property(fc.oneof(anyText(60), fc.stringMatching(/^[a-z0-9-]{1,50}$/)), (name) =>
      ['ok', 'profanity', 'brand'].includes(guard.judge(name)),
    ),
    { numRuns: runs },
  );
  for (const letters of ['aa', 'ab', 'fu', 'ass', 'a-', '1i']) finishes(() => guard.judge(letters.repeat(25)));
  t.pass();
});

t.test('a profane word is found before, after and between ordinary ones', async (t) => {
  fc.assert(
    fc.property(
      profane,
      fc.option(ordinary, { nil: '' }),
      fc.option(ordinary, { nil: '' }),
      (bad, before, after) =>
        guard.judge(before + bad + after) !== 'ok' &&
        guard.judge([before, bad, after].filter(Boolean).join('-')) !== 'ok',
    ),
    { numRuns: runs },
  );
  t.pass();
});

t.test('hyphens between its letters do not hide it', async (t) => {
  fc.assert(
    fc.property(profane, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), ordinary, (bad, breaks, after) => {
      const spelled = [...bad].map((letter, i) => letter + (i < bad.length - 1 && breaks[i] ? '-' : '')).join('');
      return guard.judge(spelled) !== 'ok' && guard.judge(`${spelled}-${after}`) !== 'ok';
    }),
    { numRuns: runs },
  );
  t.pass();
});

t.test('letters of it written twice or more do not hide it', async (t) => {
  // "shhit" is left to those who hush it: the guard reads whole words first ("shh it"), and four letters are too few to overrule that.
  const long = profane.filter((bad) => bad !== 'shit');
  const counts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(long, counts, (bad, counts) => {
      const spelled = [...bad].map((letter, i) => letter.repeat(counts[i]!)).join('');
      return guard.judge(spelled) !== 'ok';
    }),
    {
      numRuns: runs,
      examples: [
        ['fuck', [1, 2, 2, 1, 1, 1, 1, 1]],
        ['nigger', [1, 2, 1, 1, 1, 2, 1, 1]],
      ],
    },
  );
  t.pass();
});

t.test('digits that stand for its letters do not hide it', async (t) => {
  const digits: Record<string, string> = { o: '0', i: '1', e: '3', a: '4', s: '5', t: '7', g: '9', b: '8' };
  fc.assert(
    fc.property(profane, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (bad, worn) => {
      const spelled = [...bad].map((letter, i) => (worn[i] ? (digits[letter] ?? letter) : letter)).join('');
      return guard.judge(spelled) !== 'ok';
    }),
    { numRuns: runs },
  );
  t.pass();
});
