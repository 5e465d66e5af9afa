import naughtyWords from 'naughty-words';
import { insideKnownPart, places, readingBorders, segment, type WordFrequencies } from '../names/segment.js';

/** Words of the open list that have a decent sense, and no other in a business's name. */
const decentSenses = words(`
  escort birdlock busty beaver scissoring snowballing snatch spunk grope juggs nude nudity hardcore intercourse eunuch
  bastinado barenaked babeland swinger domination humping undressing throating viagra shota skeet twinkie twink honkey
  dingleberry dingleberries poof poon bareback cornhole nutten sadism santorum yaoi
  butt dick ecchi sexuality rectum wrapping topless vibrator tit`);

/** English beyond the open list, and what of its decent senses a name may not hold as a word of its own. */
const indecent = words(`
  boner cock cocks coon coons cum beaner beaners pubes kike kyke paki spic sex sexy slut sluts bimbo lolita pegging footjob
  fisting erotic mong spastic spaz hardcoresex twat twats voyeur xx xxx wank wanker wankers dickhead dickheads shithead
  cocksucker cocksuckers chink chinks chinky retard retards retarded gook gooks fart farts farting genitalia genital
  genitals erection erections molest molester molestation rapist rapists rape rapes raping tranny wetback towelhead raghead
  nigga niggas nigger whore whores whoring turd turds piss pissed boobs boob tits titty arse arsehole arseholes bollocks
  bellend knobhead minge jackoff jerkoff handjob rimjob blowjob anal anus semen penis penises vagina dildo orgasm orgy porn
  porno nazi nazis hitler cumshot shitfaced fvck fvcking phuck phuk fcuk biatch pedo pedophile paedo incest kkk shit shits shitty shite crap crappy bitch bitches bastard bastards
  ass asses asshole assholes fuck fucks fucker fucking cunt cunts pussy motherfucker faggot fag fags dyke queef jizz smegma
  douche douchebag skank slag tosser bugger homo`);

/** So plain that they need no reading: wherever they stand outside an ordinary word. */
const unmistakable = words(`fuck fvck phuck cunt nigger faggot asshole motherf cocksuck blowjob bukkake`);

/** Words that are made from them. */
const derived = /^(shit(?!ake|tim)|fuck|cunt)/;

/** Arise where two words meet more often than they are meant, so they count as a word of their own only. */
const ownWordOnly = words(`ass asses cum fag fags xx dyke slag douche crap sexy homo queef`);

/** What the open list lacks of other languages, as people write it in Latin letters. */
const foreignMore = words(`
  blyat blyad suka pizda pizdec pizdets khuy khui mudak pidoras pidor zalupa yebat zhopa gandon govno
  chutiya chutiye madarchod behenchod bhenchod bhosdike bhosdi bhosadi randi harami gandu gaand
  amcik yarrak pezevenk orospu siktir gavat ibne gotveren gotveren kahpe
  mierda puta puto hijodeputa cabron pendejo pendeja gilipollas maricon chingada chingar culero joder zorra pinche
  foda fodase filhodaputa buceta cuzao caralho merda viado punheta piroca xoxota
  encule enculer niquetamere nique putain salope connard connasse merde couille branleur
  scheisse scheiss nutten fick ficken fickdich arschloch hurensohn fotze wichser schlampe nutte schwuchtel kanake titten
  cazzo stronzo stronza vaffanculo puttana coglione coglioni minchia frocio zoccola
  hoerenzoon kankerlijer kanker godverdomme klootzak neuken flikker hoer kutwijf
  kurwa chuj chujowy pierdol pierdole jebac cipa skurwysyn spierdalaj dupa gowno cwel
  perkele vittu saatana fitta knulla javla`);
const foreignLanguages = ['de', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'tr', 'sv', 'da', 'no', 'fi', 'cs', 'hu'] as const;
/** Shorter words of the open foreign lists are ordinary ones too often ("con", "negro", "bite"). */
const shortestListedForeign = 5;
/** Of those lists, what is as often a family name, a shell or a ball. */
const decentForeign = words(`balle perse monta concha`);
/** From this length on a foreign word is no accident inside letters that nothing else explains. */
const longForeign = 6;

const longForeignWords = [...foreignMore].filter((word) => word.length >= longForeign);

/** Shorter words are found in too many honest names that lose a letter. */
const shortestUndoubled = 5;

const leetReadings: readonly Record<string, string>[] = [
  { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '6': 'g', '8': 'b', '9': 'g' },
  { '0': 'o', '1': 'l', '3': 'e', '4': 'a', '5': 's', '7': 't', '6': 'g', '8': 'b', '9': 'g' },
];

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}

const plainEnglish = naughtyWords.en.filter((word) => /^[a-z]+$/.test(word) && word.length > 2);

/** Tells slurs and profanity in a name: as words, where words meet, in digits for letters, with doubled letters. */
export class ProfanityGuard {
  private readonly _english: ReadonlySet<string>;
  /** Those that may arise where two words meet. */
  private readonly _runs: readonly string[];
  private readonly _foreign: readonly string[];

  /** @param _words ordinary words and proper names */
  constructor(private readonly _words: WordFrequencies) {
    const profane = [...plainEnglish.filter((word) => !decentSenses.has(word)), ...indecent];
    this._english = new Set(profane);
    // A plural would reach from within "stopcock" into the next word.
    const plural = (word: string) => word.endsWith('s') && this._english.has(word.slice(0, -1));
    this._runs = [...this._english].filter((word) => !ownWordOnly.has(word) && !plural(word));
    const decent = (word: string) => _words.has(word) && !foreignMore.has(word);
    const listed = foreignLanguages.flatMap((language) => naughtyWords[language]).map((word) => word.replace(/ /g, ''));
    this._foreign = [
      ...foreignMore,
      ...listed.filter(
        (word) =>
          /^[a-z]+$/.test(word) && word.length >= shortestListedForeign && !decent(word) && !decentForeign.has(word),
      ),
    ];
  }

  /** @param name lower-case letters, digits and hyphens */
  isProfane(name: string): boolean {
    const bare = name.replace(/-/g, '');
    const read = /\d/.test(bare)
      ? leetReadings.map((letters) => bare.replace(/\d/g, (digit) => letters[digit] ?? digit))
      : [];
    // Runs of a letter stand for one or for two of it ("shiiit", "nigggger").
    const runs = /([a-z])\1{2,}/g;
    const spellings = new Set(
      [name, bare, ...read].flatMap((text) => [text, text.replace(runs, '$1'), text.replace(runs, '$1$1')]),
    );
    const less = new Set<string>();
    for (const spelling of spellings) {
      if (this._isProfane(spelling)) return true;
      if (segment(spelling, this._words).coverage < 1) for (const other of lessDoubled(spelling)) less.add(other);
      else if (undoubled(spelling).some(({ single, at }) => this._isBadWordAt(single, at))) return true;
    }
    return [...less].some((spelling) => !spellings.has(spelling) && this._isProfane(spelling));
  }

  /** Whether the word at a place is bad, and long enough to be meant. */
  private _isBadWordAt(name: string, at: number): boolean {
    let end = 0;
    for (const { text } of segment(name, this._words).parts) {
      end += text.length;
      if (at < end) return text.length >= shortestUndoubled && this._english.has(text) && !ownWordOnly.has(text);
    }
    return false;
  }

  private _isProfane(name: string): boolean {
    const { parts, coverage } = segment(name, this._words);
    if (parts.some(({ text }) => this._english.has(text) || derived.test(text))) return true;
    const letters = parts.map(({ text }) => text).join('');
    const { before, after } = readingBorders(letters, this._words, false);
    const ownWord = (from: number, to: number) => insideKnownPart(parts, from, to);
    for (const bad of unmistakable) if (places(letters, bad).some(([from, to]) => !ownWord(from, to))) return true;
    for (const bad of this._runs)
      for (const [from, to] of places(letters, bad)) {
        const ends = after[to] || (letters[to] === 's' && after[to + 1]);
        if (before[from] && ends && !ownWord(from, to)) return true;
      }
    // English words throughout: what another language would read into them is nobody's meaning.
    if (coverage === 1) return longForeignWords.some((bad) => letters.startsWith(bad) || letters.endsWith(bad));
    return this._foreign.some((bad) =>
      places(letters, bad).some(
        ([from, to]) =>
          !ownWord(from, to) && (from === 0 || to === letters.length || before[from] || bad.length >= longForeign),
      ),
    );
  }
}

/** The letters of a name with one doubled letter made single, and where, for each. */
function undoubled(name: string): { single: string; at: number }[] {
  const letters = name.replace(/-/g, '');
  return [...letters.matchAll(/([a-z])\1/g)].map(({ index }) => ({
    single: letters.slice(0, index) + letters.slice(index + 1),
    at: index,
  }));
}

/** Doubled letters of a name that are looked at; each more doubles the spellings. */
const mostDoubled = 7;

/** The letters of a name with any of its doubled letters made single, in every combination ("fuucck", "niiggerr"). */
function lessDoubled(name: string): string[] {
  const letters = name.replace(/-/g, '');
  const doubled = [...letters.matchAll(/([a-z])\1/g)].slice(0, mostDoubled).map(({ index }) => index);
  let spellings = [letters];
  // From the end, so that the places before stay where they are.
  for (const at of doubled.toReversed())
    spellings = spellings.flatMap((spelling) => [spelling, spelling.slice(0, at) + spelling.slice(at + 1)]);
  return spellings.filter((spelling) => spelling !== letters);
}
