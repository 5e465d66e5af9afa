import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { deadline, firstOf } from '../src/abort.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

t.test('a deadline that only another signal depends on outlives a garbage collection', async (t) => {
  const aborted = new Promise<unknown>((resolve) => {
    const signal = firstOf(new AbortController().signal, firstOf(deadline(200), new AbortController().signal));
    signal.addEventListener('abort', () => resolve(signal.reason));
  });
  await pause(20);
  collectGarbage();
  await pause(20);
  collectGarbage();
  const reason = await Promise.race([aborted, pause(3000, 'lost')]);
  t.match(reason, { name: 'TimeoutError' });
});

t.test('the first reason counts, also of a signal that was aborted before', async (t) => {
  const [one, two] = [new AbortController(), new AbortController()];
  const both = firstOf(one.signal, two.signal);
  two.abort(new Error('two'));
  one.abort(new Error('one'));
  t.match(both.reason, { message: 'two' });
  t.match(firstOf(new AbortController().signal, one.signal).reason, { message: 'one' });
});
