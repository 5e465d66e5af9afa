import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseWordFrequencies, segment, type WordFrequencies } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { ownWords, withOwnWords } from '../../src/suggest/own-words.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));

const anything = () => true;

t.test('what a description says of its trade could stand in a name', async (t) => {
  const text = 'We are a small business: DURIAN stall & durian ice-cream, since 1998';
  t.same(ownWords(text, words, anything), ['durian', 'stall', 'ice', 'cream']);
  t.same(
    ownWords(text, words, (word) => word === 'stall'),
    ['durian', 'stall'],
  );
  t.same(
    ownWords('durian stall', words, () => false),
    ['durian'],
    'one of two words may be in no list',
  );
  t.same(
    ownWords('crème fraîche from the market in Épernay', words, () => false),
    ['fraiche', 'epernay'],
  );
});

t.test('slips of the pen and words of other languages are no words of a trade', async (t) => {
  t.same(
    ownWords('handmade cermaic tlies for kithcens in the valeys', words, () => false),
    [],
  );
  t.same(
    ownWords('Wir reparieren alte Kuckucksuhren im Schwarzwald', words, () => false),
    [],
  );
  t.same(
    ownWords('dog groomer\nBrand names:\nownedbyme\nownedbyyou', words, () => false),
    [],
    'nor are words run together',
  );
  t.same(ownWords('猫カフェ кофейня', words, anything), []);
});

t.test("a customer's own word is a word", async (t) => {
  const read = (name: string, list: WordFrequencies = words) => segment(name, list).parts.map(({ text }) => text);
  const own = withOwnWords(words, ownWords('cassoulet in jars from our kitchen', words, anything));
  t.same(read('cassouletjar', own), ['cassoulet', 'jar']);
  t.equal(segment('cassouletjar', own).coverage, 1);
  t.not(segment('cassouletjar', words).coverage, 1);
  t.equal(own.get('apple'), words.get('apple'));
  t.equal(withOwnWords(words, ['apple']), words, 'a list that has them all stays as it is');
});
