import t from 'tap';
import { EngineStoppedError, QueueFullError } from '../../src/engine/engine.js';
import { Gate } from '../../src/engine/gate.js';
import { never } from '../support.js';

t.test('items are lent, and who comes later waits in turn', async (t) => {
  const gate = new Gate([1, 2, 3], 10);
  const first = await gate.acquire({ count: 2, signal: never });
  const second = gate.acquire({ count: 3, signal: never });
  const third = gate.acquire({ count: 1, signal: never });
  t.equal(gate.queueDepth, 2, 'nobody overtakes, though one item is free');
  gate.release(first);
  const lent = await second;
  t.equal(lent.length, 3);
  gate.release(lent);
  t.equal((await third).length, 1);
  t.equal(gate.queueDepth, 0);
});

t.test('items that stand side by side are lent together where there are some', async (t) => {
  const gate = new Gate([1, 2, 3, 4, 5, 6], 10);
  const take = (count: number) => gate.acquire({ count, signal: never });
  const [first, second, third] = [await take(1), await take(2), await take(1)];
  t.same([first, second, third], [[1], [2, 3], [4]]);
  gate.release(first);
  gate.release(third);
  t.same(await take(3), [4, 5, 6], 'the run that fits, not what has been free longest');
  gate.release([5]);
  t.same(await take(2), [1, 5], 'in order where there is no run');
});

t.test('more than there is means all of it', async (t) => {
  t.equal((await new Gate([1, 2], 0).acquire({ count: 99, signal: never })).length, 2);
});

t.test('a full queue refuses', async (t) => {
  const gate = new Gate([1], 1);
  await gate.acquire({ count: 1, signal: never });
  void gate.acquire({ count: 1, signal: never });
  await t.rejects(gate.acquire({ count: 1, signal: never }), QueueFullError);
});

t.test('who goes on with work is served before new work, in turn among themselves, past the limit', async (t) => {
  const gate = new Gate([1, 2], 1);
  const held = await gate.acquire({ count: 1, signal: never });
  const order: string[] = [];
  const wait = async (who: string, isContinued: boolean, signal = never) => {
    const items = await gate.acquire({ count: 2, isContinued, signal });
    order.push(who);
    gate.release(items);
  };
  const fresh = wait('new', false);
  t.same(await gate.acquire({ count: 1, isContinued: true, signal: never }), [2], 'a free item at once');
  const leaving = new AbortController();
  const continued = [wait('first', true), wait('second', true)];
  const gone = wait('gone', true, leaving.signal);
  leaving.abort(new Error('gone'));
  await t.rejects(gone, { message: 'gone' });
  t.equal(gate.queueDepth, 3);
  gate.release([...held, 2]);
  await Promise.all([fresh, ...continued]);
  t.same(order, ['first', 'second', 'new']);
});

t.test('who gives up leaves the queue, and those behind move up', async (t) => {
  const gate = new Gate([1, 2], 10);
  const held = await gate.acquire({ count: 1, signal: never });
  const impatient = new AbortController();
  const big = gate.acquire({ count: 2, signal: impatient.signal });
  const small = gate.acquire({ count: 1, signal: never });
  impatient.abort(new Error('gone'));
  await t.rejects(big, { message: 'gone' });
  t.equal((await small).length, 1);
  gate.release(held);
  await t.rejects(gate.acquire({ count: 1, signal: impatient.signal }), { message: 'gone' });
});

t.test('closing refuses who waits and who comes', async (t) => {
  const gate = new Gate([1], 10);
  await gate.acquire({ count: 1, signal: never });
  const waiting = gate.acquire({ count: 1, signal: never });
  gate.close();
  await t.rejects(waiting, EngineStoppedError);
  await t.rejects(gate.acquire({ count: 1, signal: never }), EngineStoppedError);
});

t.test('clients take turns, however many requests each has sent', async (t) => {
  const gate = new Gate([1], 20);
  const held = await gate.acquire({ count: 1, signal: never });
  const order: string[] = [];
  const wait = async (client: string) => {
    const items = await gate.acquire({ count: 1, client, signal: never });
    order.push(client);
    gate.release(items);
  };
  const waiting = ['many', 'many', 'many', 'few', 'many', 'few'].map(wait);
  gate.release(held);
  await Promise.all(waiting);
  t.same(order, ['many', 'few', 'many', 'few', 'many', 'many']);
});

t.test('who sends one after the other does not starve who sent many at once', async (t) => {
  const gate = new Gate([1], 20);
  const held = await gate.acquire({ count: 1, signal: never });
  const order: string[] = [];
  const wait = async (client: string) => {
    const items = await gate.acquire({ count: 1, client, signal: never });
    order.push(client);
    return items;
  };
  const batch = Promise.all(['batch', 'batch', 'batch'].map(async (client) => gate.release(await wait(client))));
  const single = (async () => {
    for (let i = 0; i < 3; i++) gate.release(await wait('single'));
  })();
  gate.release(held);
  await Promise.all([batch, single]);
  t.same(order, ['batch', 'single', 'batch', 'single', 'batch', 'single']);
});

t.test('in a full queue the client with the most requests gives way to another', async (t) => {
  const gate = new Gate([1], 2);
  const held = await gate.acquire({ count: 1, signal: never });
  const first = gate.acquire({ count: 1, client: 'many', signal: never });
  const second = gate.acquire({ count: 1, client: 'many', signal: never });
  await t.rejects(gate.acquire({ count: 1, client: 'many', signal: never }), QueueFullError);
  const other = gate.acquire({ count: 1, client: 'other', signal: never });
  await t.rejects(second, QueueFullError);
  t.equal(gate.queueDepth, 2);
  gate.release(held);
  gate.release(await first);
  t.same(await other, [1]);
});
