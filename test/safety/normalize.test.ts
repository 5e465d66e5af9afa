import t from 'tap';
import {
  joinSpacedLetters,
  normalizeText,
  readings,
  readLeet,
  undisguise,
  unmasked,
} from '../../src/safety/normalize.js';

t.test('look-alikes, full-width forms, accents and invisible characters are folded', async (t) => {
  t.equal(normalizeText('ѕех ѕhор'), 'sex shop');
  t.equal(normalizeText('ＧＵＮＳ'), 'guns');
  t.equal(normalizeText('gu\u200bn\u00adsh\u2060op'), 'gunshop');
  t.equal(normalizeText('Café Zoë'), 'cafe zoe');
});

t.test('ordinary letters that resemble others stay', async (t) => {
  t.equal(normalizeText('Modern minimal 1l0O'), 'modern minimal 1l0o');
});

t.test('text in other scripts stays readable', async (t) => {
  t.equal(normalizeText('中药铺'), '中药铺');
});

t.test('leetspeak inside words is read, numbers are not', async (t) => {
  t.equal(readLeet('c0c@ine'), 'cocaine');
  t.equal(readLeet('gh0st g5ns!'), 'ghost gsns!');
  t.equal(readLeet('open 24h, 3rd floor, 50cm, 100'), 'open 24h, 3rd floor, 50cm, 100');
});

t.test('spaced and dotted letters are joined, initials and words are not', async (t) => {
  t.equal(joinSpacedLetters('c o c a i n e here'), 'cocaine here');
  t.equal(joinSpacedLetters('g.u.n.s'), 'guns');
  t.equal(joinSpacedLetters('we sell a b boats'), 'we sell a b boats');
});

t.test('words of spaced letters stay apart where wider gaps part them', async (t) => {
  t.ok(readings('w h i t e   p o w e r merch').includes('white power merch'));
});

t.test('a text without disguise has one reading', async (t) => {
  t.same(readings('dog groomer'), ['dog groomer']);
});

t.test('only a text that is disguised throughout, or whose letters are not what they seem, is read anew', async (t) => {
  t.equal(undisguise('Dоg grооming рarlоur'), 'dog grooming parlour');
  t.equal(undisguise('tram\u200bpoline park'), 'trampoline park');
  t.equal(undisguise('p 4 1 n t b 4 l l f13ld, k1dz p4rt13s, 8 m4pz').includes('paintball'), true);
  t.equal(undisguise('U53D B1K35 d0n3 up by p30pl3 wh0 w3r3 h0m3l355').includes('people who were homeless'), true);
  for (const plain of [
    '3D printing for B2B clients, 24/7',
    'Café für Kinder, 3€ pro Stück',
    '京都の小さな和菓子教室です',
    'ＷＥＢデザイン、横浜',
    'Школьная одежда, школы № 5, № 7 и № 12',
    '3Dпечать, одежда на заказ',
  ])
    t.equal(undisguise(plain), plain);
  t.equal(undisguise('Сафе у моря, Dоg grооming'), 'Сафе у моря, dog grooming', 'word by word');
});

t.test('a mask is taken off where there is one, and honest text of any script is left alone', async (t) => {
  for (const masked of [
    'ｇｕｎｓ for sale',
    'gu\u200bns for sale',
    'g u n s for sale',
    'gunѕ fоr sаle',
    'gun5 f0r s4le',
  ])
    t.equal(unmasked(masked), 'guns for sale', masked);
  for (const honest of [
    'guns for sale',
    'Пекарня на углу, хлеб и пироги',
    'فروشگاه گل‌های آپارتمانی',
    '京都の和菓子（予約のみ）ＡＢ',
    'हिन्दी पुस्तकें',
    'Acme™ & Söhne',
  ])
    t.equal(unmasked(honest), undefined, honest);
});
