import { z } from 'zod';
import { hash32, seededRandom } from '../engine/random.js';
import { alliterates, isPronounceable, rhymes } from '../names/sound.js';
import type { Segmentation, WordFrequencies } from '../names/segment.js';
import type { Candidate } from './candidates.js';
import { placeBalance } from './compose.js';
import { sameStem, type WordMemory } from './recall.js';
import type { Similarity } from './relevance.js';

export type Style = 'any' | 'compound' | 'blend' | 'metaphor' | 'invented';

export interface RankedName {
  name: string;
  /** Chance that a judge calls the name good, 0 to 1. */
  confidence: number;
  /** What it was ordered by, 0 to 1. */
  score: number;
}

export interface Features extends Similarity {
  /** Mean log-probability a token; a fixed low value for recalled names. */
  logProbability: number;
  /** 1 when real words cover it wholly, less as letters stand outside words. */
  coverage: number;
  words: number;
  length: number;
  alliterates: number;
  rhymes: number;
  pronounceable: number;
  /** 1 when a word fits anything ("hub", "forge"). */
  filler: number;
  /** Votes beyond the first, up to 3. */
  votes: number;
  recalled: number;
  composed: number;
  /** Log-odds that experts put the first word first and the last word last; 0 for one word. */
  places: number;
  /** Similarity of the nearest row that uses the best, and the worst, supported of its words. */
  bestSupport: number;
  worstSupport: number;
  /** Similarity of the description to the row it was remembered from; 0 for a name that was not. */
  neighbour: number;
  /** 1 when it is one plain word of the description, or of its stem. */
  bareWord: number;
  /** Share of its words that stand in the description as they are. */
  echo: number;
  /** Mean Zipf frequency of its words, 0 when it has none. */
  familiarity: number;
}

const fillers = new Set(
  `hub nest forge moss haven verse zen nexus hq labs lab pro ify sphere works world zone solutions group point base
spot core plus prime edge link pulse tide craft`.split(/\s+/),
);
/** What a name that the model did not write counts for, about its middling ones. */
const unwrittenLogProbability = { recall: -2.2, composed: -2.8, model: -2.8 };

export interface Measured {
  candidate: Candidate;
  parts: Segmentation;
  features: Features;
}

/** The features of a candidate, from its parts and how near they are to the description. */
export function measure(
  candidate: Candidate,
  parts: Segmentation,
  similarity: Similarity,
  description: string,
  words: WordFrequencies,
  { usage, support }: WordMemory,
): Measured {
  const texts = parts.parts.map((part) => part.text);
  const meaningful = parts.parts.filter((part) => part.known && part.text.length >= 3).map((part) => part.text);
  const said = new Set(description.toLowerCase().match(/[a-z]+/g) ?? []);
  const zipfs = meaningful.map((word) => words.get(word) ?? 0);
  const [first, last] = [meaningful[0], meaningful[meaningful.length - 1]];
  const pair = meaningful.length >= 2 && first !== undefined && last !== undefined;
  const places = pair
    ? placeBalance(usage(first).first, usage(first).last) + placeBalance(usage(last).last, usage(last).first)
    : 0;
  const isWhole = parts.coverage === 1 && texts.length === 1;
  return {
    candidate,
    parts,
    features: {
      ...similarity,
      logProbability: candidate.meanLogProbability ?? unwrittenLogProbability[candidate.source],
      coverage: parts.coverage,
      words: texts.length,
      length: candidate.name.length,
      alliterates: pair && alliterates(first, last) ? 1 : 0,
      rhymes: pair && rhymes(first, last) ? 1 : 0,
      pronounceable: isPronounceable(candidate.name) ? 1 : 0,
      filler: texts.some((text) => fillers.has(text)) ? 1 : 0,
      votes: Math.min(3, candidate.votes - 1),
      recalled: candidate.source === 'recall' ? 1 : 0,
      composed: candidate.source === 'composed' ? 1 : 0,
      places: Math.max(-4, Math.min(4, places)),
      bestSupport: Math.max(0, ...meaningful.map(support)),
      worstSupport: meaningful.length === 0 ? 0 : Math.min(...meaningful.map(support)),
      neighbour: candidate.rowSimilarity ?? 0,
      bareWord: isWhole && [...said].some((word) => word.length >= 4 && sameStem(word, candidate.name)) ? 1 : 0,
      echo: meaningful.length === 0 ? 0 : meaningful.filter((word) => said.has(word)).length / meaningful.length,
      familiarity: zipfs.length === 0 ? 0 : zipfs.reduce((sum, zipf) => sum + zipf, 0) / zipfs.length,
    },
  };
}

/** What the ranker weighs, by name; the names are the columns of data/name_ratings.csv. */
export const rankInputNames = [
  'relevance',
  'bestPart',
  'worstPart',
  'partSimilarity',
  'places',
  'bestSupport',
  'worstSupport',
  'baseline',
  'neighbour',
  'logProbability',
  'written',
  'composed',
  'alliterates',
  'rhymes',
  'votes',
  'lettersUnder7',
  'lettersOver11',
  'echo',
  'oneWord',
  'wordsOverTwo',
  'blend',
  'unpronounceable',
  'uncovered',
  'rareness',
] as const;
export type RankInputs = Record<(typeof rankInputNames)[number], number>;

export const rankerSchema = z.object({
  /** Weights of a logistic regression on the inputs; the sum with `bias` is the log-odds that a rater calls a name good. */
  weights: z.object(
    Object.fromEntries(rankInputNames.map((name) => [name, z.number()])) as Record<keyof RankInputs, z.ZodNumber>,
  ),
  bias: z.number(),
});
export type Ranker = z.infer<typeof rankerSchema>;

/** Zipf frequency under which a word is rare: about once in six hundred thousand words. */
const commonZipf = 3.2;

export function rankInputs(features: Features): RankInputs {
  const { length, words, coverage, pronounceable, familiarity, recalled } = features;
  return {
    relevance: features.relevance,
    bestPart: features.bestPart,
    worstPart: features.worstPart,
    partSimilarity: features.partSimilarity,
    places: features.places,
    bestSupport: features.bestSupport,
    worstSupport: features.worstSupport,
    baseline: features.baseline,
    neighbour: features.neighbour,
    logProbability: features.logProbability,
    written: 1 - recalled - features.composed,
    composed: features.composed,
    alliterates: features.alliterates,
    rhymes: features.rhymes,
    votes: features.votes,
    lettersUnder7: Math.max(0, 7 - length),
    lettersOver11: Math.max(0, length - 11),
    echo: features.echo,
    oneWord: words === 1 && coverage === 1 ? 1 : 0,
    wordsOverTwo: Math.max(0, words - 2),
    blend: coverage < 1 ? 1 : 0,
    unpronounceable: 1 - pronounceable,
    uncovered: Math.max(0, 0.5 - coverage),
    rareness: Math.max(0, commonZipf - familiarity),
  };
}

/** Faults that raters saw too seldom for a weight of their own to be learnt. */
const fillerPenalty = 0.9;
const bareWordPenalty = 2.5;
const garblePenalty = 1.5;

/** Log-odds that a rater calls the name good. */
export function quality(features: Features, { weights, bias }: Ranker): number {
  const inputs = rankInputs(features);
  const learnt = rankInputNames.reduce((sum, name) => sum + weights[name] * inputs[name], bias);
  const garble = features.coverage < 0.4 && features.pronounceable === 0 ? 1 : 0;
  return learnt - fillerPenalty * features.filler - bareWordPenalty * features.bareWord - garblePenalty * garble;
}

/** What a wished style adds: a name of that make rises, the others stay eligible. */
function styleBonus(style: Style, { features }: Measured): number {
  const fits: Record<Style, boolean> = {
    any: false,
    compound: features.words === 2 && features.coverage === 1,
    blend: features.coverage < 1 && features.coverage >= 0.4 && features.pronounceable === 1,
    metaphor: features.words === 1 && features.coverage === 1 && features.bareWord === 0,
    invented: features.coverage < 0.4 && features.pronounceable === 1,
  };
  return fits[style] ? 2.5 : 0;
}

/** How much an already chosen list takes from a name that repeats one of its words. */
const repetitionPenalty = 1.2;
/** What a seed of the caller's own may give or take: names that are nearly equal change places, so that each seed is another look. */
const luckWeight = 0.4;
/** At most this share of a list is remembered from the training rows, so that answers stay fresh. */
const recalledShare = 0.4;
const logistic = (value: number) => 1 / (1 + Math.exp(-value));

/**
 * Chooses `count` names: best first by quality and style, each further one less what it repeats of those before it
 * (maximal marginal relevance: Carbonell and Goldstein, SIGIR 1998, with shared words as the similarity).
 */
export function rank(
  measured: readonly Measured[],
  ranker: Ranker,
  count: number,
  style: Style = 'any',
  seed?: number,
): RankedName[] {
  const left = measured.map((item) => ({
    item,
    base: quality(item.features, ranker) + styleBonus(style, item),
    luck: seed === undefined ? 0 : luckWeight * (2 * seededRandom(hash32(seed, item.candidate.name))() - 1),
  }));
  const chosen: Measured[] = [];
  const ranked: RankedName[] = [];
  while (ranked.length < count && left.length > 0) {
    const recalled = chosen.filter((item) => item.candidate.source === 'recall').length;
    const memoryFull = recalled + 1 > Math.ceil(recalledShare * count);
    const scored = left.map(({ item, base, luck }, index) => ({
      index,
      score:
        base +
        luck -
        repetitionPenalty * repeatedWords(item, chosen) -
        (memoryFull && item.candidate.source === 'recall' ? repetitionPenalty : 0),
    }));
    const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
    const { item, base } = left.splice(best.index, 1)[0]!;
    chosen.push(item);
    const confidence = round(logistic(base));
    const score = Math.min(confidence, round(logistic(best.score)));
    ranked.push({ name: item.candidate.name, score, confidence });
  }
  return ranked;
}

function repeatedWords(item: Measured, chosen: readonly Measured[]): number {
  const words = item.parts.parts.filter((part) => part.text.length >= 3).map((part) => part.text);
  const used = chosen.flatMap((other) => other.parts.parts.map((part) => part.text));
  return words.filter((word) => used.some((other) => other.length >= 3 && sameStem(word, other))).length;
}

const round = (value: number) => Math.round(value * 1000) / 1000;
