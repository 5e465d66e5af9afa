import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { closedLoop } from '../../bench/closed-loop.js';
import { inTurn, textOfLength } from '../../bench/descriptions.js';

t.test(
  'a closed loop keeps as many pieces in flight as there are clients, and measures what was asked for',
  async (t) => {
    let inFlight = 0;
    let most = 0;
    const seen: number[] = [];
    const { measured, seconds } = await closedLoop({
      clients: 4,
      count: 10,
      work: async (index) => {
        most = Math.max(most, ++inFlight);
        await setImmediate();
        inFlight--;
        seen.push(index);
        return index;
      },
    });
    t.equal(most, 4);
    t.equal(measured.length, 10);
    t.equal(new Set(seen).size, seen.length, 'every piece of work has a number of its own');
    t.notOk(
      measured.some(({ result }) => result < 4),
      'the warm-ups are not measured',
    );
    t.ok(seconds > 0);
  },
);

t.test('a failure ends the loop', async (t) => {
  await t.rejects(
    closedLoop({ clients: 2, count: 5, work: () => Promise.reject(new Error('no answer')) }),
    /no answer/,
  );
});

t.test('texts are handed out in turn, and cut to a length that trimming does not change', (t) => {
  const next = inTurn(['a', 'b']);
  t.same([next(), next(), next()], ['a', 'b', 'a']);
  const texts = ['a bakery', 'a dog groomer in Lyon'];
  for (const characters of [3, 9, 20, 200, 2000]) t.equal(textOfLength(texts, 1, characters).trim().length, characters);
  t.not(textOfLength(texts, 0, 20), textOfLength(texts, 1, 20));
  t.end();
});
