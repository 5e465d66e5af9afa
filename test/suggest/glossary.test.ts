import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { fromRoot } from '../../src/paths.js';
import { fold, Glossary, marked } from '../../src/suggest/glossary.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const tsv = readFileSync(fromRoot('data', 'glossary.tsv'), 'utf8');
const glossary = new Glossary(tsv, words);

t.test('what another language says stands beside it in English', async (t) => {
  const said: [string, RegExp][] = [
    ['Zahnarzt für ängstliche Kinder in Kassel', /dentist.*child|dentist.*kid/],
    ['Passeios de barco para ver baleias e golfinhos nos Açores', /boat.*whale.*dolphin/],
    ['Hammaslääkäri Tampereella', /dentist/],
    ['Мы печём ржаной хлеб в Суздале', /bread/],
    ['京都で古い着物の生地から日傘を作っています', /kimono.*umbrella/],
    ['경복궁 앞에서 한복을 빌려드립니다', /hanbok/],
    ['محل عود وبخور في مسقط', /incense/],
    ['Cửa hàng xe đạp cũ ở Huế', /bicycle/],
    ['Renskötare som säljer torkat renkött', /reindeer/],
    ['ร้านซ่อมรองเท้า', /shoe/],
  ];
  for (const [text, expected] of said) t.match(glossary.glosses(text).join(' '), expected, text);
});

t.test('endings, compounds and accents left out are looked through', async (t) => {
  const small = new Glossary(
    ['language\tword\tenglish', 'de\t*backer*\tbakery bread', 'es\tpanader*\tbakery', 'vi\tbàn\ttable'].join('\n'),
    words,
  );
  t.same(small.glosses('Feinbäckerei'), ['bakery', 'bread']);
  t.same(small.glosses('Bäckern'), ['bakery', 'bread']);
  t.same(small.glosses('panadería'), ['bakery']);
  t.same(small.glosses('PANADERIAS'), ['bakery']);
  t.same(small.glosses('bàn'), ['table']);
  t.same(small.glosses('bán'), [], 'another tone is another word');
});

t.test('plain English stays as it is, formal English is explained', async (t) => {
  for (const text of ['A bakery in Leeds that delivers by bike', 'dog groomer', 'coffee', '', '???', '12345'])
    t.equal(glossary.explain(text), text);
  t.match(glossary.explain('Domiciliary attendance upon feline clients'), /^.*\bcat\b.*: Domiciliary/);
});

t.test('one known word in a long English text does not make it another language', async (t) => {
  const text = 'Knotless cornrows, locs, ki-ki braids n frontals by Adaeze in Surulere, lagos mainland';
  t.equal(glossary.explain(text), text);
});

t.test('a text of any length is read in time, and says ten things at most', async (t) => {
  const long = 'Zahnarzt Bäckerei Schneiderei Gärtnerei Tischlerei Fischhandel Imkerei Brauerei '
    .repeat(25)
    .slice(0, 2000);
  t.ok(glossary.glosses(long).length <= 10);
  t.ok(glossary.glosses('あ'.repeat(2000)).length <= 10);
});

t.test('each line has a language, a folded word and one to three English words', async (t) => {
  const wrong = tsv
    .trimEnd()
    .split('\n')
    .slice(1)
    .filter((line) => {
      const [language = '', pattern = '', english = '', ...more] = line.split('\t');
      const word = pattern.replace(/^\*/, '').replace(/\*$/, '');
      const isFolded = marked.has(language) ? word === word.toLowerCase() : word === fold(word);
      const isEnglish = /^[a-z]+( [a-z]+){0,2}$/.test(english);
      return (
        more.length > 0 || !/^[a-z]{2}$/.test(language) || word === '' || word.includes('*') || !isFolded || !isEnglish
      );
    });
  t.same(wrong, []);
});
