import fc from 'fast-check';
import t from 'tap';
import { suggestRequestSchema } from '../../src/http/schemas.js';
import { anyText, runs } from './support.js';

t.test('any JSON is either a request within the bounds or named as wrong; nothing is thrown', async (t) => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.integer(),
    anyText(60),
    fc.constantFrom(Infinity, -0, null, [], {}, 2 ** 53),
  );
  const key = fc.constantFrom(
    ...['count', 'min_length', 'max_length', 'hyphens', 'digits', 'contains', 'starts_with', 'ends_with'],
    ...['exclude', 'like', 'style', 'seed', '__proto__', 'constructor', 'surprise'],
  );
  const body = fc.oneof(
    fc.jsonValue(),
    fc
      .tuple(anyText(2100), fc.dictionary(key, value, { maxKeys: 3 }))
      .map(([description, rest]) => ({ description, ...rest })),
  );
  fc.assert(
    fc.property(body, (body) => {
      const { success, data, error } = suggestRequestSchema.safeParse(body);
      if (!success) return error.issues.length > 0;
      const { description, count, min_length = 3, max_length = 50, seed = 0, like = [], exclude = [] } = data;
      return (
        description.length >= 3 && description.length <= 2000 && description === description.trim() &&
        Number.isInteger(count) && count >= 1 && count <= 20 &&
        min_length >= 3 && min_length <= max_length && max_length <= 50 &&
        Number.isSafeInteger(seed) && like.length <= 5 && exclude.length <= 200
      ); // prettier-ignore
    }),
    { numRuns: runs },
  );
  t.pass();
});

t.test('what has been read once reads the same again', async (t) => {
  fc.assert(
    fc.property(anyText(300), fc.integer({ min: 1, max: 20 }), (description, count) => {
      const first = suggestRequestSchema.safeParse({ description, count });
      return !first.success || JSON.stringify(suggestRequestSchema.parse(first.data)) === JSON.stringify(first.data);
    }),
    { numRuns: runs },
  );
  t.pass();
});
