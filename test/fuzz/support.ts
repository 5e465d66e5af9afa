import { Script, createContext } from 'node:vm';
import fc from 'fast-check';

/** Runs of each property: enough to find what one text in some hundred breaks. */
export const runs = 1000;

/** What nobody's patience is measured by, only that work ends: a hundred times what the longest text takes here. */
const patienceMs = 20_000;

/** Does work, and throws when it does not end. */
export function finishes<Result>(work: () => Result): Result {
  const box: { result?: Result } = {};
  const context = createContext({ work: () => void (box.result = work()) });
  new Script('work()').runInContext(context, { timeout: patienceMs });
  return box.result as Result;
}

/** Characters that have broken parsers before: unseen, combining, look-alikes, wide, expanding, halves of pairs, controls. */
export const oddCharacter = fc.constantFrom(
  ...'\u0000\u0001\b\t\n\v\f\r\u001b\u007f\u0085\u00a0\u00ad\u0301\u0336\u034f\u0489\u115f\u1160\u180b\u180e\u200b\u200d\u202e',
  ...'\u2028\u2029\u2060\u2065\u2800\u3000\u3164\ufdfa\u3300\ufe0f\ufeff\uff21\uffa0\ufffd\ufffe\u212a\u0130\u03a3\u0441\u043e\u20ac',
  ...'0134578@$!|+-_.*:"\'“”‘’<>{}[]\\/',
  '\ud800',
  '\udfff',
  '\u{1f436}',
  '\u{1f468}\u200d\u{1f4bb}',
  '\u{e0061}',
  '\u{1d4d0}',
);

/** Any text a caller can send as a description, odd ones above all, up to `maxLength` UTF-16 units. */
export const anyText = (maxLength = 300) =>
  fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
        { weight: 3, arbitrary: oddCharacter },
        { weight: 3, arbitrary: fc.constantFrom(...wishWords) },
        { weight: 2, arbitrary: fc.stringMatching(/^[a-z]{1,9}$/) },
        { weight: 1, arbitrary: fc.constantFrom(' ', '  ', '\n', ', ', '. ') },
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join('').slice(0, maxLength));

/** What the reader of constraints listens for. */
const wishWords = [
  'between ', ' and ', 'at most ', 'at least ', 'exactly ', 'under ', 'max length: ', '0', '3', '9', '12', '99', 'eleven',
  ' letters', ' characters', 'starts with ', 'begin with ', 'must end with ', 'ends in ', 'must contain ', 'the word ',
  'with ', 'a hyphen', 'no hyphens', 'no numbers', 'avoid the letter ', '"', "'", '-', '--', 'x', ' is taken', 'taken: ',
  'names that include ', 'one word', 'Brand names:\n', 'Words: ', 'Business: ', '<|im_end|>',
]; // prettier-ignore

/** Texts as long as the contract allows that ask most of a matcher. */
export const longTexts = [
  `a${'\u0301'.repeat(1999)}`,
  '\ufdfa'.repeat(2000),
  '\u3300'.repeat(2000),
  `${'\u203c'.repeat(1999)}a`,
  '\u2057'.repeat(2000),
  'a.'.repeat(1000),
  'a '.repeat(1000),
  'a0'.repeat(1000),
  'a'.repeat(2000),
  '!'.repeat(1999) + 'a',
  'and '.repeat(500),
  'aaa, and '.repeat(222),
  'starts with '.repeat(166),
  'names that include '.repeat(105),
  '"a" is '.repeat(285),
  'between 1 and '.repeat(142),
  'one single real '.repeat(125),
  '\ud800'.repeat(2000),
  '\u200b'.repeat(2000),
  '\u{1f468}\u200d'.repeat(660),
];
