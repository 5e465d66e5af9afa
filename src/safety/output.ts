import naughtyWords from 'naughty-words';
import { brandConflict } from '../names/brands.js';
import { segment, type WordFrequencies } from '../names/segment.js';

/** Words of the open list that have a decent sense, and no other in a business's name. */
const decentSenses = new Set(
  `escort birdlock busty boner beaver scissoring snowballing snatch spunk grope fisting juggs kike kinky nude nudity
hardcore intercourse eunuch bastinado barenaked babeland swinger voyeur erotic erotism sexuality sexual sexually shota
skeet twinkie twink honkey dingleberry dingleberries domination humping pegging tushy undressing topless throating
tosser viagra vibrator fingering footjob mong suck sucks poof poon bareback bimbo cornhole butt dick cock cocks coon
coons cum beaner beaners pubes ecchi guro paki nutten sadism santorum spastic spic sex sexy slut xx yaoi lolita`
    .split(/\s+/)
    .filter(Boolean),
);
/** Of those, what a name may still not hold as a word of its own. */
const indecentWords = new Set(
  `boner butt dick cock cocks coon coons cum beaner beaners pubes kike paki poon spic sex sexy slut bimbo nude lolita
pegging footjob fisting erotic snatch tosser mong spastic suck sucks hardcore twink voyeur vibrator xx topless`
    .split(/\s+/)
    .filter(Boolean),
);
/** Short words that shock when they arise where two words meet. */
const acrossJoins = [
  'sex',
  'rape',
  'anus',
  'cunt',
  'cock',
  'dick',
  'tits',
  'arse',
  'porn',
  'slut',
  'homo',
  'nazi',
  'cums',
  'poop',
  'turd',
  'wank',
  'coon',
  'pedo',
  'suck',
];

const englishWords = naughtyWords.en.filter((word) => /^[a-z]+$/.test(word));
const profane = new Set([...englishWords.filter((word) => !decentSenses.has(word)), ...indecentWords]);
const foreignLanguages = ['de', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'tr', 'sv', 'da', 'no', 'fi', 'cs', 'hu'] as const;
/** Shorter foreign words are English ones too often ("con", "pute", "negro", "bite"). */
const shortestForeign = 5;
const foreignProfane = foreignLanguages
  .flatMap((language) => naughtyWords[language])
  .filter((word) => /^[a-z]+$/.test(word) && word.length >= shortestForeign);
const shortestSubstring = 4;
const substrings = [...new Set([...[...profane].filter((word) => word.length >= shortestSubstring), ...acrossJoins])];

const leet: Record<string, string> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '8': 'b' };

export type OutputVerdict = 'ok' | 'profanity' | 'brand';

/**
 * Judges names before they leave: profanity in any reading (its words, what arises where they meet, leetspeak) and known
 * brands. A bad run of letters inside one ordinary word is that word's own ("therapist", "cockpit").
 */
export class OutputGuard {
  private readonly _foreign: readonly string[];

  constructor(private readonly _words: WordFrequencies) {
    this._foreign = foreignProfane.filter((word) => !_words.has(word));
  }

  judge(name: string): OutputVerdict {
    const read = name.replace(/[0134578]/g, (digit) => leet[digit]!).replace(/-/g, '');
    if (this._isProfane(name) || this._isProfane(read)) return 'profanity';
    if (brandConflict(name, (word) => this._words.has(word))) return 'brand';
    return 'ok';
  }

  private _isProfane(name: string): boolean {
    const { parts } = segment(name, this._words);
    if (parts.some((part) => profane.has(part.text))) return true;
    const joined = parts.map((part) => part.text).join('');
    const stands = (bad: string) => {
      for (let at = joined.indexOf(bad); at >= 0; at = joined.indexOf(bad, at + 1))
        if (!this._liesInsideOneWord(parts, at, at + bad.length)) return true;
      return false;
    };
    return this._foreign.some(stands) || substrings.some(stands);
  }

  private _liesInsideOneWord(parts: readonly { text: string; known: boolean }[], from: number, to: number): boolean {
    let start = 0;
    for (const { text, known } of parts) {
      if (from >= start && to <= start + text.length) return known && to - from < text.length;
      start += text.length;
    }
    return false;
  }
}
