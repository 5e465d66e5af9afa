import fc from 'fast-check';
import t from 'tap';
import { isName, longestName, shortestName } from '../../src/names/format.js';
import {
  brokenConstraint,
  describeFields,
  readConstraints,
  type ConstraintFields,
} from '../../src/suggest/constraints.js';
import { anyText, finishes, longTexts, runs } from './support.js';

const length = fc.integer({ min: shortestName, max: longestName });
const literal = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
const wish = fc.constantFrom('avoid' as const, 'allow' as const, 'require' as const);
/** Fields as the contract lets them through. */
const fields: fc.Arbitrary<ConstraintFields> = fc
  .record(
    {
      min_length: length,
      max_length: length,
      hyphens: wish,
      digits: wish,
      contains: literal,
      starts_with: literal,
      ends_with: literal,
      exclude: fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 4 }),
    },
    { requiredKeys: [] },
  )
  .filter(({ min_length = shortestName, max_length = longestName }) => min_length <= max_length);

t.test('of any text with any fields come lengths that a name can have', async (t) => {
  fc.assert(
    fc.property(anyText(), fields, (text, fields) => {
      const { minLength, maxLength } = readConstraints(text, fields);
      return shortestName <= minLength && minLength <= maxLength && maxLength <= longestName;
    }),
    {
      numRuns: runs,
      examples: [
        ['between 12 and 6 letters', {}],
        ['at least 9 letters', { max_length: 6 }],
        ['at most 6 letters', { min_length: 9 }],
        ['exactly 0 letters', {}],
        ['at least 99 letters', {}],
        ['at most 3 letters', {}],
      ],
    },
  );
  t.pass();
});

t.test('a field outranks the text whatever the text says', async (t) => {
  fc.assert(
    fc.property(anyText(), fields, (text, fields) => {
      const read = readConstraints(text, fields);
      const pairs: [unknown, unknown][] = [
        [fields.min_length, read.minLength],
        [fields.max_length, read.maxLength],
        [fields.hyphens, read.hyphens],
        [fields.digits, read.digits],
        [fields.contains, read.contains],
        [fields.starts_with, read.startsWith],
        [fields.ends_with, read.endsWith],
      ];
      return pairs.every(([asked, got]) => asked === undefined || asked === got);
    }),
    { numRuns: runs },
  );
  t.pass();
});

t.test('what a text asks a name to hold is something that a name can hold', async (t) => {
  fc.assert(
    fc.property(anyText(), (text) => {
      const { contains, startsWith, endsWith } = readConstraints(text);
      return (
        (contains === undefined || isName(`a${contains}a`, 1)) &&
        (startsWith === undefined || isName(`${startsWith}a`, 1)) &&
        (endsWith === undefined || isName(`a${endsWith}`, 1))
      );
    }),
    { numRuns: runs, examples: [['must start with "-"'], ["ends in '-'"], ['must contain "a--b"'], ['with "--"']] },
  );
  t.pass();
});

t.test('what breaks a constraint is named, and lengths are kept to the letter', async (t) => {
  fc.assert(
    fc.property(anyText(), fields, fc.stringMatching(/^[a-z0-9]{3,20}(-[a-z0-9]{1,9})?$/), (text, fields, name) => {
      const constraints = readConstraints(text, fields);
      const broken = brokenConstraint(name, constraints);
      const tooLong = name.length > constraints.maxLength;
      const tooShort = name.length < constraints.minLength;
      return tooLong || tooShort ? broken === 'maxLength' || broken === 'minLength' : broken !== 'maxLength';
    }),
    { numRuns: runs },
  );
  t.pass();
});

t.test('fields that are said in words are one line', async (t) => {
  fc.assert(
    fc.property(fields, (fields) => !/[\n\r]|undefined|NaN/.test(describeFields(fields))),
    { numRuns: runs },
  );
  t.pass();
});

t.test('the longest texts come to an end', async (t) => {
  for (const text of longTexts) finishes(() => readConstraints(text));
  t.pass();
});
