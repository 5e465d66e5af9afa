import t from 'tap';
import { qualityOf, scoredNameSchema, scoreQuestion, scoreSheet } from '../../training/eval/absolute.js';

const score = (name: string, points: number, category = 'good') => ({
  name,
  relevance: points,
  creativity: points,
  brandability: points,
  conciseness: points,
  category,
});

t.test('quality is the share of all points', (t) => {
  t.equal(qualityOf({ relevance: 5, creativity: 5, brandability: 5, conciseness: 5 }), 1);
  t.equal(qualityOf({ relevance: 5, creativity: 0, brandability: 3, conciseness: 2 }), 0.5);
  t.end();
});

t.test('an answer scores the names that were asked, in their order, and no others', (t) => {
  const { schema, question } = scoreQuestion('a bakery', ['doughdock', 'ryeroad']);
  t.same(JSON.parse(question), { description: 'a bakery', names: ['doughdock', 'ryeroad'] });
  const accepts = (scores: object[]) => schema.safeParse({ scores }).success;
  t.equal(accepts([score('doughdock', 4), score('ryeroad', 0, 'random_word')]), true);
  t.equal(accepts([score('ryeroad', 4), score('doughdock', 4)]), false);
  t.equal(accepts([score('doughdock', 4)]), false);
  t.equal(accepts([score('doughdock', 6), score('ryeroad', 4)]), false);
  t.equal(accepts([score('doughdock', 4, 'superb'), score('ryeroad', 4)]), false);
  t.end();
});

t.test('a sheet numbers its lines, the names of a business together', (t) => {
  const lists = new Map([
    ['a bakery', ['doughdock', 'ryeroad']],
    ['a vet', ['pawpost']],
  ]);
  const sheet = scoreSheet(lists, 1);
  t.same(sheet.map(({ name }) => name).sort(), ['doughdock', 'pawpost', 'ryeroad']);
  t.same(
    sheet.map(({ number }) => number),
    ['1', '2', '3'],
  );
  const places = sheet.flatMap(({ description }, place) => (description === 'a bakery' ? [place] : []));
  t.equal(places[1]! - places[0]!, 1);
  t.end();
});

t.test('a line with an empty cell or a wrong point is no score', (t) => {
  const line = { number: '1', description: 'a vet', ...score('pawpost', 3), relevance: '3', creativity: ' 4 ' };
  const cells = { ...line, brandability: '5', conciseness: '0' };
  t.same(scoredNameSchema.parse(cells), {
    description: 'a vet',
    name: 'pawpost',
    judge: 'sheet',
    relevance: 3,
    creativity: 4,
    brandability: 5,
    conciseness: 0,
    category: 'good',
  });
  for (const bad of [{ relevance: '' }, { creativity: '5.5' }, { brandability: 'high' }, { category: '' }])
    t.equal(scoredNameSchema.safeParse({ ...cells, ...bad }).success, false);
  t.end();
});
