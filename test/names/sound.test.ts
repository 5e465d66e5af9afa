import t from 'tap';
import { alliterates, isPronounceable, rhymes } from '../../src/names/sound.js';

t.test('names that can be said at sight', async (t) => {
  for (const name of ['crumbcraft', 'vinylog', 'snackademy', 'sunspike']) t.ok(isPronounceable(name), name);
  for (const name of ['xqzt', 'brrrm', 'escrtvhk', 'aeiou', '2000']) t.notOk(isPronounceable(name), name);
});

t.test('alliteration goes by sound, not by letter', async (t) => {
  t.ok(alliterates('pantry', 'plan'));
  t.ok(alliterates('knit', 'night'));
  t.ok(alliterates('phone', 'farm'));
  t.ok(alliterates('city', 'sailor'));
  t.notOk(alliterates('chip', 'cat'));
  t.notOk(alliterates('shore', 'salt'));
});

t.test('rhyme is the end from the last vowel on', async (t) => {
  t.ok(rhymes('bark', 'park'));
  t.ok(rhymes('brew', 'crew'));
  t.notOk(rhymes('bark', 'bark'));
  t.notOk(rhymes('dough', 'dock'));
});
