import t from 'tap';
import { Lockstep } from '../../src/engine/lockstep.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('nobody goes before all stand there, and then in the order of their places', async (t) => {
  const lockstep = new Lockstep();
  const went: string[] = [];
  const walk = (place: number, steps: number, pause: number) =>
    lockstep.join(place, async (step) => {
      await turn();
      for (let taken = 0; taken < steps; taken++) {
        await step();
        went.push(`${taken}/${place}`);
        for (let turns = 0; turns < pause; turns++) await turn();
      }
    });
  await Promise.all([walk(2, 3, 0), walk(0, 3, 5), walk(1, 3, 2)]);
  t.same(went, ['0/0', '0/1', '0/2', '1/0', '1/1', '1/2', '2/0', '2/1', '2/2']);
});

t.test('who has ended, or failed, is not waited for', async (t) => {
  const lockstep = new Lockstep();
  let steps = 0;
  const long = lockstep.join(0, async (step) => {
    for (; steps < 5; steps++) await step();
  });
  const short = lockstep.join(1, (step) => step());
  const failing = lockstep.join(2, async (step) => {
    await step();
    throw new Error('no more');
  });
  await t.rejects(failing, { message: 'no more' });
  await Promise.all([long, short]);
  t.equal(steps, 5);
});

t.test('a newcomer joins at the next step', async (t) => {
  const lockstep = new Lockstep();
  const went: number[] = [];
  const old = lockstep.join(1, async (step) => {
    for (let taken = 0; taken < 4; taken++) {
      await step();
      went.push(1);
    }
  });
  await turn();
  const newcomer = lockstep.join(0, async (step) => {
    await step();
    went.push(0);
    await step();
    went.push(0);
  });
  await Promise.all([old, newcomer]);
  t.equal(went.filter((place) => place === 0).length, 2);
  t.match(went.join(''), /0101/, 'each of its steps is one with the other');
});
