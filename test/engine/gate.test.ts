import t from 'tap';
import { EngineStoppedError, QueueFullError } from '../../src/engine/engine.js';
import { Gate } from '../../src/engine/gate.js';
import { never } from '../support.js';

t.test('items are lent, and who comes later waits in turn', async (t) => {
  const gate = new Gate([1, 2, 3], 10);
  const first = await gate.acquire(2, never);
  const second = gate.acquire(3, never);
  const third = gate.acquire(1, never);
  t.equal(gate.queueDepth, 2, 'nobody overtakes, though one item is free');
  gate.release(first);
  const lent = await second;
  t.equal(lent.length, 3);
  gate.release(lent);
  t.equal((await third).length, 1);
  t.equal(gate.queueDepth, 0);
});

t.test('more than there is means all of it', async (t) => {
  t.equal((await new Gate([1, 2], 0).acquire(99, never)).length, 2);
});

t.test('a full queue refuses', async (t) => {
  const gate = new Gate([1], 1);
  await gate.acquire(1, never);
  void gate.acquire(1, never);
  await t.rejects(gate.acquire(1, never), QueueFullError);
});

t.test('who goes on with work is served before new work, in turn among themselves, past the limit', async (t) => {
  const gate = new Gate([1, 2], 1);
  const held = await gate.acquire(1, never);
  const order: string[] = [];
  const wait = async (who: string, isContinued: boolean, signal = never) => {
    const items = await gate.acquire(2, signal, isContinued);
    order.push(who);
    gate.release(items);
  };
  const fresh = wait('new', false);
  t.same(await gate.acquire(1, never, true), [2], 'a free item at once');
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
  const held = await gate.acquire(1, never);
  const impatient = new AbortController();
  const big = gate.acquire(2, impatient.signal);
  const small = gate.acquire(1, never);
  impatient.abort(new Error('gone'));
  await t.rejects(big, { message: 'gone' });
  t.equal((await small).length, 1);
  gate.release(held);
  await t.rejects(gate.acquire(1, impatient.signal), { message: 'gone' });
});

t.test('closing refuses who waits and who comes', async (t) => {
  const gate = new Gate([1], 10);
  await gate.acquire(1, never);
  const waiting = gate.acquire(1, never);
  gate.close();
  await t.rejects(waiting, EngineStoppedError);
  await t.rejects(gate.acquire(1, never), EngineStoppedError);
});
