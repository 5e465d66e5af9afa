import type { WordFrequencies } from '../names/segment.js';

/** A word of a language, or what its forms have in common, and the English for it. */
interface Entry {
  language: string;
  /** Folded, but for marked languages; without its asterisks. */
  word: string;
  english: readonly string[];
  /** Whether an ending may follow, and whether it may end a compound. */
  isStem: boolean;
  isPart: boolean;
}

/** Lines of the file by their folded word, one below the other where several have one word. */
type Index = ReadonlyMap<string, string>;

/** A word of a text, in lower case, and where it stands there. */
interface Token {
  word: string;
  at: number;
}

interface Match {
  entry: Entry;
  /** Letters of the text that it explains. */
  length: number;
  /** Where in the text. */
  at: number;
}

/** Letters that may follow a stem. */
const longestEnding = 5;
/** Letters that a compound's last part must have, and that must stand before it. */
const shortestPart = 4;
const shortestStem = 3;
/** A text of which more words than this are English needs no translation, only its jargon explained. */
const englishShare = 0.7;
/** So many English words are put beside a text at most. */
const mostGlosses = 10;
/** Where all letters are English ones, one word that is explained shows another language in a short text; in a longer one it is chance. */
const fewWords = 6;
const jargon = 'en';
/** In these a mark above a letter makes another word. */
export const marked: ReadonlySet<string> = new Set(['vi']);
/** Written without spaces, or with particles joined to the words. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;
const longestUnspaced = 12;

/** Lower case, without accents; marks of scripts that write vowels with them stay. The glossary's words are kept so. */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .replaceAll('ß', 'ss')
    .replaceAll('æ', 'ae')
    .replaceAll('ø', 'o')
    .replaceAll('ı', 'i')
    .replaceAll('ł', 'l')
    .replaceAll('đ', 'd')
    .replaceAll('ς', 'σ');
}

/**
 * What other languages, and formal English, call things, in plain English words: the embedder and the generator know
 * English best.
 */
export class Glossary {
  /** Made when first needed: most texts are English, and need few of the words. */
  private _jargon: Index | undefined;
  private _foreign: Index | undefined;

  /**
   * @param tsv a heading, then language, word and English a line; an asterisk behind the word stands for an ending, one before it for the
   * first part of a compound
   * @param words which words are English
   */
  constructor(
    private readonly _tsv: string,
    private readonly _english: WordFrequencies,
  ) {}

  /** English words for what a text says in other words, in its order; none where it is plain English. */
  glosses(text: string): string[] {
    const tokens = [...text.normalize('NFC').matchAll(/[\p{L}\p{M}\p{N}]+/gu)].map(({ 0: word, index }) => ({
      word: word.toLowerCase(),
      at: index,
    }));
    const english = tokens.filter(({ word }) => this._english.has(word)).length;
    const foreign = english > englishShare * tokens.length ? [] : this._foreignMatches(text, tokens);
    const matches = foreign.length > 0 ? foreign : spacedMatches((this._jargon ??= this._read(true)), tokens);
    const told = matches.toSorted((a, b) => a.at - b.at).flatMap(({ entry }) => entry.english);
    return [...new Set(told)].slice(0, mostGlosses);
  }

  /** The text with its glosses before it, as embedder and generator read it. */
  explain(text: string): string {
    const glosses = this.glosses(text);
    return glosses.length === 0 ? text : `${glosses.join(' ')}: ${text}`;
  }

  /** What is explained of a text in the language in which most of it is; nothing where too little is. */
  private _foreignMatches(text: string, tokens: readonly Token[]): Match[] {
    const index = (this._foreign ??= this._read(false));
    const matches = [...spacedMatches(index, tokens), ...unspacedMatches(index, text.normalize('NFC'))];
    const explained = new Map<string, { letters: number; words: number }>();
    for (const { entry, length } of matches) {
      const { letters = 0, words = 0 } = explained.get(entry.language) ?? {};
      explained.set(entry.language, { letters: letters + length, words: words + 1 });
    }
    const [best] = [...explained].toSorted(([, a], [, b]) => b.letters - a.letters);
    const isAscii = tokens.every(({ word }) => /^[a-z0-9]+$/.test(word));
    if (!best || (isAscii && tokens.length > fewWords && best[1].words < 2)) return [];
    return matches.filter(({ entry }) => entry.language === best[0]);
  }

  private _read(isJargon: boolean): Index {
    const index = new Map<string, string>();
    for (const line of this._tsv.split('\n').slice(1)) {
      if (line === '' || line.startsWith(`${jargon}\t`) !== isJargon) continue;
      const wordAt = line.indexOf('\t') + 1;
      const word = line.slice(wordAt, line.indexOf('\t', wordAt)).replaceAll('*', '');
      const key = marked.has(line.slice(0, wordAt - 1)) ? fold(word) : word;
      const known = index.get(key);
      index.set(key, known === undefined ? line : `${known}\n${line}`);
    }
    return index;
  }
}

function parse(line: string): Entry {
  const [language = '', pattern = '', english = ''] = line.split('\t');
  return {
    language,
    word: pattern.replaceAll('*', ''),
    english: english.split(' '),
    isStem: pattern.endsWith('*'),
    isPart: pattern.startsWith('*'),
  };
}

const entriesAt = (index: Index, key: string) => index.get(key)?.split('\n').map(parse) ?? [];

/** For each language the longest entry at each word, two words before one. */
function spacedMatches(index: Index, tokens: readonly Token[]): Match[] {
  const matches: Match[] = [];
  const explained = new Map<string, number>();
  tokens.forEach(({ word, at }, place) => {
    const next = tokens[place + 1]?.word;
    const found = new Map<string, Match>();
    const look = (text: string) => {
      for (const match of entriesOf(index, text, at))
        if (match.length > (found.get(match.entry.language)?.length ?? 0)) found.set(match.entry.language, match);
    };
    look(word);
    if (next) look(`${word} ${next}`);
    for (const [language, match] of found) {
      // The second word of two that were explained together says nothing more.
      if (explained.get(language) === place) continue;
      matches.push(match);
      if (match.entry.word.includes(' ')) explained.set(language, place + 1);
    }
  });
  return matches;
}

function* entriesOf(index: Index, text: string, at: number): Generator<Match> {
  const folded = fold(text);
  const fits = ({ language, word }: Entry) => !marked.has(language) || text.startsWith(word);
  const matchesOf = function* (key: string, length: number, may: (entry: Entry) => boolean): Generator<Match> {
    for (const entry of entriesAt(index, key)) if (may(entry) && fits(entry)) yield { entry, length, at };
  };
  // A whole word explains more than a stem of as many letters.
  yield* matchesOf(folded, folded.length + 1, () => true);
  for (let ending = 1; ending <= longestEnding && folded.length - ending >= shortestStem; ending++)
    yield* matchesOf(folded.slice(0, -ending), folded.length - ending, ({ isStem }) => isStem);
  for (let from = shortestStem; from + shortestPart <= folded.length; from++)
    for (let ending = 0; ending <= longestEnding && folded.length - ending - from >= shortestPart; ending++) {
      const part = folded.slice(from, folded.length - ending);
      yield* matchesOf(part, part.length, ({ isPart, isStem }) => isPart && (isStem || ending === 0));
    }
}

/** For each language the longest entries in text without spaces, from left to right. */
function unspacedMatches(index: Index, text: string): Match[] {
  if (!unspaced.test(text)) return [];
  const matches: Match[] = [];
  const next = new Map<string, number>();
  for (let at = 0; at < text.length; at++)
    for (let length = Math.min(longestUnspaced, text.length - at); length > 0; length--)
      for (const entry of entriesAt(index, fold(text.slice(at, at + length)))) {
        if (!unspaced.test(entry.word) || (next.get(entry.language) ?? 0) > at) continue;
        // A sign says about as much as two letters.
        matches.push({ entry, length: 2 * length, at });
        next.set(entry.language, at + length);
      }
  return matches;
}
