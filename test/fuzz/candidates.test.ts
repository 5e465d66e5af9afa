import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { parseBrands } from '../../src/names/brands.js';
import { cleanLine, editDistance, isName } from '../../src/names/format.js';
import { parseWordFrequencies, segment } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { OutputGuard } from '../../src/safety/output.js';
import { CandidatePool } from '../../src/suggest/candidates.js';
import { brokenConstraint, readConstraints } from '../../src/suggest/constraints.js';
import { anyText, runs } from './support.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const guard = new OutputGuard(words, parseBrands(readFileSync(fromRoot('data', 'brands.tsv'), 'utf8')));

/** Lines as a model writes them on a good day, and on a bad one. */
const line = fc.oneof(
  fc.stringMatching(/^[a-z]{2,6}[a-z0-9-]{0,14}$/),
  fc.stringMatching(/^( ?[0-9]{1,2}[.)] |[-*•] )?[A-Za-z -]{1,24}(\.com|\.co\.uk|\.io)?\s?$/),
  fc.constantFrom(
    'xn--80ak6aa92e',
    'PayPal Login',
    'breadboat.com',
    '- bread boat',
    'breadboats',
    'bread-boat',
    '\u212aiosk',
  ),
  anyText(60),
);

t.test('whatever a model writes, only names that hold get through, each once', async (t) => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 16 }), anyText(80), (lines, text) => {
      const constraints = readConstraints(text);
      const pool = new CandidatePool(constraints, guard);
      for (const text of lines) pool.add({ text, source: 'model', meanLogProbability: -1 });
      const names = pool.candidates.map(({ name }) => name);
      const told = Object.values(pool.verdicts).reduce((sum, count) => sum + count, 0);
      return (
        told === lines.length &&
        names.length === pool.verdicts.ok &&
        names.every((name) => isName(name, 3) && brokenConstraint(name, constraints) === undefined) &&
        names.every((name) => guard.judge(name) === 'ok') &&
        names.every((name, i) => names.slice(0, i).every((other) => editDistance(name, other) > 1))
      );
    }),
    { numRuns: runs },
  );
  t.pass();
});

t.test('a name is read from its line, and reading it again changes nothing', async (t) => {
  fc.assert(
    fc.property(line, (text) => {
      const name = cleanLine(text);
      return !isName(name) || cleanLine(name) === name;
    }),
    { numRuns: runs },
  );
  t.pass();
});

t.test('the parts of a name join to its letters and digits', async (t) => {
  fc.assert(
    fc.property(fc.oneof(line, fc.stringMatching(/^[a-z0-9-]{1,50}$/)), (name) => {
      const { parts, coverage } = segment(name, words);
      const joined = parts.map(({ text }) => text).join('');
      const unknownNeighbours = parts.some(
        ({ known, text }, i) => !known && parts[i - 1]?.known === false && /[a-z]/.test(text) && !name.includes('-'),
      );
      const letters = name.toLowerCase().replace(/[^a-z0-9]/g, '');
      const whole = !/^[a-z0-9]*$/.test(name) || !unknownNeighbours;
      return joined === letters && coverage >= 0 && coverage <= 1 && whole;
    }),
    { numRuns: runs },
  );
  t.pass();
});
