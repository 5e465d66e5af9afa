import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import t from 'tap';
import { fromRoot } from '../../src/paths.js';
import { blindPairs, pairQuestion, wilson, winRate } from '../../training/eval/pairwise.js';

const answer = (description: string, ...names: string[]) => ({ description, kind: 'plain', names });
const older = [answer('a bakery', 'doughdock', 'crustcart'), answer('a vet', 'pawpost'), answer('same', 'one')];
const newer = [answer('a bakery', 'loaflane', 'ryeroad'), answer('a vet', 'furfirst'), answer('same', 'one')];

t.test('each description that both answered differently is shown in either order, unnamed', async (t) => {
  const pairs = blindPairs(older, [...newer, answer('unknown', 'x')], 1);
  t.equal(pairs.length, 4);
  for (const description of ['a bakery', 'a vet']) {
    const both = pairs.filter((pair) => pair.description === description);
    t.same(both.map(({ newerFirst }) => newerFirst).sort(), [false, true]);
    t.same(both[0]!.first, both[1]!.second);
  }
  const { question } = pairQuestion(pairs[0]!);
  t.same(Object.keys(JSON.parse(question)), ['description', 'first', 'second']);
});

t.test('wins of the newer are counted whichever place it had, ties by half', async (t) => {
  const pairs = blindPairs(older, newer, 1);
  const better = (side: (newerFirst: boolean) => 'first' | 'second') => pairs.map((pair) => side(pair.newerFirst));
  t.match(
    winRate(
      pairs,
      better((first) => (first ? 'first' : 'second')),
    ),
    { wins: 4, losses: 0, rate: 1 },
  );
  t.match(
    winRate(
      pairs,
      better(() => 'first'),
    ),
    { wins: 2, losses: 2, rate: 0.5 },
    'a judge of places favours none',
  );
  t.match(winRate(pairs, ['tie', 'tie', undefined, undefined]), { judgements: 2, ties: 2, rate: 0.5 });
  t.match(winRate(pairs, []), { judgements: 0, rate: 0.5, low: 0, high: 1 });
});

t.test("Wilson's interval", async (t) => {
  const [low, high] = wilson(0.5, 100);
  t.ok(Math.abs(low - 0.4038) < 1e-3 && Math.abs(high - 0.5962) < 1e-3);
  t.ok(wilson(1, 10)[0] > 0.7);
});

t.test('a sheet goes out without names of systems, and comes back filled', async (t) => {
  const folder = t.testdir();
  const file = async (name: string, answers: typeof older) => {
    const harmful = { ...answers[0]!, description: 'should have been refused' };
    const rows = [...answers, harmful].map(({ description, kind, names }) => ({
      description,
      kind,
      label: description === harmful.description ? 'refuse' : 'allow',
      suggestions: JSON.stringify(names),
    }));
    await writeFile(join(folder, name), stringify(rows, { header: true }));
    return join(folder, name);
  };
  const [before, after] = [await file('older.csv', older), await file('newer.csv', newer)];
  const compare = (...options: string[]) =>
    promisify(execFile)('node', [fromRoot('dist', 'training', 'eval', 'compare.js'), ...options]);
  await compare(before, after, '--judge', 'sheet', '--out', folder);
  const text = await readFile(join(folder, 'sheet.csv'), 'utf8');
  t.notMatch(text, /older|newer|should have been refused/);
  const sheet: Record<string, string>[] = parse(text, { columns: true });
  for (const row of sheet) row['better'] = /loaflane|furfirst/.test(row['first']!) ? 'first' : 'second';
  sheet[0]!['better'] = '';
  await writeFile(join(folder, 'filled.csv'), stringify(sheet, { header: true }));
  const { stdout } = await compare('--scores', join(folder, 'filled.csv'), '--key', join(folder, 'key.json'));
  t.match(stdout, /all: .*newer\.csv wins 100\.0%.*3 won, 0 tied, 0 lost/);
  t.match(stdout, /1 of 4 rows have no verdict/);
  await t.rejects(compare(before, after, '--judge', 'oracle'), { message: /allowed is sheet or openai/ });
  await t.rejects(compare(before), { message: /usage/ });
});
