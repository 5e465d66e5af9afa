import { z } from 'zod';
import type { ScoredLine } from '../engine/engine.js';
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

/** How likely the generator is to write a name for the description. */
export interface WeighedLine extends ScoredLine {
  /** Standard deviations that its log-probability lies above the mean of all names weighed with it. */
  advantage: number;
}

export interface Measured {
  candidate: Candidate;
  parts: Segmentation;
  features: Features;
  /** Whether an expert gave a near business this very name, whoever proposed it here. */
  isRemembered?: boolean;
  /** What the generator says of it, where it was asked. */
  line?: WeighedLine;
}

/** Sets log-probabilities beside one another: what one business makes likely another does not. Without them no name has an advantage. */
export function weighLines(lines: readonly ScoredLine[]): WeighedLine[] {
  const said = lines.map(({ logProbability = 0 }) => logProbability);
  const mean = said.reduce((sum, one) => sum + one, 0) / said.length;
  const variance = said.reduce((sum, one) => sum + (one - mean) ** 2, 0) / said.length;
  return lines.map((line, index) => ({
    ...line,
    advantage: variance === 0 ? 0 : (said[index]! - mean) / Math.sqrt(variance),
  }));
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

/** What the ranker weighs of any name; their names are the columns of data/name_ratings.csv. */
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

/** What the generator says of a name, by the names of the columns of data/name_ratings.csv. */
export const lineInputNames = ['lineAdvantage', 'lineTokens', 'lineVerdict'] as const;

/** A logistic regression on some inputs: the sum with `bias` is the log-odds of a name's value. */
const regressionOn = <Name extends string>(names: readonly Name[]) =>
  z.object({
    weights: z.object(Object.fromEntries(names.map((name) => [name, z.number()])) as Record<Name, z.ZodNumber>),
    bias: z.number(),
    /** From those log-odds to the log-odds that a judge calls one of the first names good. */
    confidence: z.object({ slope: z.number().positive(), bias: z.number() }),
  });

export const rankerSchema = regressionOn(rankInputNames).extend({
  /** Ranks the best by the others anew with what the generator says of them; a version without it never asks. */
  weighed: regressionOn([...rankInputNames, ...lineInputNames]).optional(),
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

/** What takes from a name whatever was learnt. */
function penalties({ filler, bareWord, coverage, pronounceable }: Features): number {
  const garble = coverage < 0.4 && pronounceable === 0 ? 1 : 0;
  return fillerPenalty * filler + bareWordPenalty * bareWord + garblePenalty * garble;
}

/** Log-odds of a name's value to a rater, who calls it good, acceptable or bad. */
export function quality({ features, line }: Measured, { weights, bias, weighed }: Ranker): number {
  const inputs = rankInputs(features);
  const sum = (by: RankInputs) => rankInputNames.reduce((total, name) => total + by[name] * inputs[name], 0);
  const learnt =
    line && weighed
      ? weighed.bias +
        sum(weighed.weights) +
        weighed.weights.lineAdvantage * line.advantage +
        weighed.weights.lineTokens * line.tokens +
        weighed.weights.lineVerdict * (line.verdict ?? 0)
      : bias + sum(weights);
  return learnt - penalties(features);
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

/** What names are ordered by, before the list they join is looked at. */
export function standing(item: Measured, ranker: Ranker, style: Style = 'any'): number {
  return quality(item, ranker) + styleBonus(style, item);
}

/** How much an already chosen list takes from a name that repeats one of its words. */
const repetitionPenalty = 1.2;
/** What a seed of the caller's own may give or take: names that are nearly equal change places, so that each seed is another look. */
const luckWeight = 0.4;
/** A list holds at most so many names that an expert gave to another business, while there are others: two founders are not to be sold one name. */
const mostRemembered = 1;

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
    base: standing(item, ranker, style),
    luck: seed === undefined ? 0 : luckWeight * (2 * seededRandom(hash32(seed, item.candidate.name))() - 1),
  }));
  const chosen: Measured[] = [];
  const ranked: RankedName[] = [];
  while (ranked.length < count && left.length > 0) {
    const isFull = chosen.filter((item) => item.isRemembered).length >= mostRemembered;
    const fresh = isFull ? left.filter(({ item }) => !item.isRemembered) : left;
    const scored = (fresh.length > 0 ? fresh : left).map((entry) => ({
      entry,
      score: entry.base + entry.luck - repetitionPenalty * repeatedWords(entry.item, chosen),
    }));
    const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
    const { item, base } = best.entry;
    left.splice(left.indexOf(best.entry), 1);
    chosen.push(item);
    // A wish for a style moves a name up the list; it makes the name no better.
    const confidence = confidenceOf(quality(item, ranker), item, ranker);
    const score = Math.min(confidence, confidenceOf(quality(item, ranker) + best.score - base, item, ranker));
    ranked.push({ name: item.candidate.name, score, confidence });
  }
  return ranked;
}

function repeatedWords(item: Measured, chosen: readonly Measured[]): number {
  const words = item.parts.parts.filter((part) => part.text.length >= 3).map((part) => part.text);
  const used = chosen.flatMap((other) => other.parts.parts.map((part) => part.text));
  return words.filter((word) => used.some((other) => other.length >= 3 && sameStem(word, other))).length;
}

/** Chance that a judge calls a name good, 0 to 1 to three places, from its log-odds of value. */
function confidenceOf(logOdds: number, { line }: Measured, ranker: Ranker): number {
  const { slope, bias } = (line && ranker.weighed ? ranker.weighed : ranker).confidence;
  return Math.round(1000 / (1 + Math.exp(-(slope * logOdds + bias)))) / 1000;
}
