import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseWordFrequencies, partWords, segment } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const split = (name: string) => segment(name, words).parts.map((part) => part.text);

t.test('a compound splits into its words', async (t) => {
  t.same(split('pantryplan'), ['pantry', 'plan']);
  t.same(split('doughdock'), ['dough', 'dock']);
  t.same(split('bowandbilling'), ['bow', 'and', 'billing']);
});

t.test('one word stays whole though shorter words hide in it', async (t) => {
  t.same(split('therapist'), ['therapist']);
  t.same(split('cockpit'), ['cockpit']);
});

t.test('letters outside the word list stay together as one unknown part', async (t) => {
  const { parts, coverage } = segment('vinylog', words);
  t.same(parts, [
    { text: 'vinyl', known: true },
    { text: 'og', known: false },
  ]);
  t.ok(coverage > 0.7 && coverage < 1);
});

t.test('hyphens and digits are borders', async (t) => {
  t.same(split('rain-2-flush'), ['rain', '2', 'flush']);
  t.same(split('route66diner'), ['route', '66', 'diner']);
});

t.test('nothing gives nothing', async (t) => {
  t.same(segment('', words), { parts: [], coverage: 0 });
});

t.test('part-words leave out digits, short and unknown parts', async (t) => {
  t.same(partWords('bowandbilling', words), ['bow', 'and', 'billing']);
  t.same(partWords('2vinylog', words), ['vinyl']);
});
