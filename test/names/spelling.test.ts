import { readFileSync } from 'node:fs';
import t from 'tap';
import { parseWordFrequencies } from '../../src/names/segment.js';
import { mendSlips } from '../../src/names/spelling.js';
import { fromRoot } from '../../src/paths.js';

const words = parseWordFrequencies(readFileSync(fromRoot('data', 'words_en.tsv'), 'utf8'));
const mended = (text: string) => mendSlips(text, words);

t.test('a text full of slips reads as it was meant', async (t) => {
  t.equal(
    mended('hnad mdae cermaic tlies for kithcens adn batrhooms, glzaed in cobolt bleu'),
    'hand made ceramic tiles for kitchens and bathrooms, glazed in cobalt blue',
    'letters swapped, missing, wrong',
  );
  t.equal(
    mended('greif suport gruop for widows, runing every evning'),
    'grief support group for widows, running every evening',
  );
  t.equal(
    mended('Massge theripist with a registerd clinc, Leeds.'),
    'massage therapist with a registered clinic, Leeds.',
    'what stands between words stays, and so do capitals inside a sentence',
  );
});

t.test('a strange word in a clean text is one of a trade', async (t) => {
  for (const text of [
    'Tutelage in natation for babes and timorous elders',
    'Handmade durian cassoulet from a van in Penang, to go with your wine',
    'We plan honeymoons for the shy',
    'We sell arepas and momos to office workers',
    'Fresh dosas and momos for offices',
    'Master thatcher. Water reed, long straw. Dorset & Devon. 31 yrs.',
    'esports org from Recife. valorant and CS',
    'the pots are for you',
    '',
    '???',
  ])
    t.equal(mended(text), text);
});

t.test('text in another language stays', async (t) => {
  for (const text of [
    'Vendo empanadas congeladas sin gluten en Rosario, reparto en moto los viernes',
    'Wij rijden met vrieswagens ijs rond naar de buurtwinkels, elke dag',
    'App para dividir los gastos del piso, se acabaron las peleas por el recibo',
    'Mit dem Rucksack durch Südostasien? eSIM aufs Handy laden und sofort online sein',
    'On aide les petits musées à trouver mécènes et subventions',
    'We zijn open op zondag, is het koud dan stoken we de kachel',
    'Chegou ferro novo sem nota e sem registro, entrega de moto por toda a zona norte',
    '京都の古本屋',
  ])
    t.equal(mended(text), text);
});

t.test('letters without end are no words', async (t) => {
  const long = `the ${'a'.repeat(999)} ${'b'.repeat(999)}`;
  t.equal(mended(long), long);
});
