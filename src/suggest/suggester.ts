import type { Embedder } from '../engine/embedder.js';
import type { Engine, GeneratedLine, Generation, Sampling } from '../engine/engine.js';
import { hash32, seededRandom, shuffled } from '../engine/random.js';
import { segment, type WordFrequencies } from '../names/segment.js';
import { mendSlips } from '../names/spelling.js';
import { refusalMessages, type RefusalCategory } from '../safety/categories.js';
import { GuardFailedError } from '../safety/guard-failed.js';
import { undisguise } from '../safety/normalize.js';
import type { OutputGuard } from '../safety/output.js';
import type { Doubt, SafetyClassifier } from '../safety/prefilter.js';
import { refusesTogether, type SecondOpinion } from '../safety/second-opinion.js';
import { CandidatePool, type Candidate, type Verdict } from './candidates.js';
import { composeNames, crossNames, isDemanding, pairNames } from './compose.js';
import { describeFields, readConstraints, type ConstraintFields, type Constraints } from './constraints.js';
import type { Glossary } from './glossary.js';
import { withoutOrders } from './orders.js';
import { ownWords, withOwnWords } from './own-words.js';
import { buildPrompt, longestDescription, verdictQuestion } from './prompt.js';
import {
  measure,
  rank,
  standing,
  weighLines,
  type Measured,
  type RankedName,
  type Ranker,
  type Style,
} from './rank.js';
import { sameStem, type Hint, type Neighbour, type Recall, type Recalled } from './recall.js';
import type { Relevance } from './relevance.js';

export interface SuggestRequest extends ConstraintFields {
  description: string;
  count: number;
  like?: string[];
  style?: Style;
  seed?: number;
  /** Who asks: clients that wait for the engine take turns. No part of the answer follows from it. */
  client?: string;
}

export type Stage = 'prefilter' | 'recall' | 'queue' | 'generate' | 'rank';

export interface Refusal {
  stage: 'prefilter' | 'generator';
  category: RefusalCategory;
  message: string;
}

export interface Suggestion {
  status: 'ok' | 'refused';
  suggestions: RankedName[];
  refusal?: Refusal;
  /** Set when fewer names than asked for passed. */
  partial?: true;
  /** Milliseconds in each stage that ran, and in total. */
  timing: Partial<Record<Stage, number>> & { total: number };
  verdicts: Record<Verdict, number>;
  tokens: { prompt: number; generated: number };
}

export interface SuggesterParts {
  engine: Engine;
  embedder: Embedder;
  recall: Recall;
  relevance: Relevance;
  ranker: Ranker;
  prefilter: SafetyClassifier;
  /** How the generator's own refusals count; absent for one that was hardly taught any. */
  secondOpinion?: SecondOpinion;
  outputGuard: OutputGuard;
  words: WordFrequencies;
  glossary: Pick<Glossary, 'explain'>;
}

/**
 * How many lists a first round samples; each further round as many again. Four raise what the first five names of 150 businesses are
 * expected to be worth by nothing (0.1767, of two lists 0.1764): few names of an answer are the generator's own, it judges those of others.
 */
const listsPerRound = 2;
/** Sequences among which the names that the generator is asked about are dealt. */
const weighedAtOnce = 8;
const maxRounds = 3;
/** Tokens of about five names: more sequences of fewer tokens give names sooner than long lists do. */
export const listTokens = 12;
/** Fewer valid candidates for each name asked for call for another round. */
const candidatesPerName = 3;
/** Words that fit, for composing, more where the wishes are demanding; the best of them are hints. */
const wordsFound = 48;
const wordsForDemands = 80;
const hintsFound = 14;
const hintsShown = 7;
const pairsComposed = 48;
/** Names of two halves of remembered ones that stand for election. */
const namesCrossed = 96;
/**
 * So many of the best, by all but the generator's opinion, are put before the generator. Of 32 the first five of a held-out
 * business are worth 0.368, of 26 as much, of 22 0.366, of 16 0.357, and 0.339 without its opinion.
 */
export const shortlisted = 24;
/** A description's own words that are looked at, and those that stand beside the remembered ones; none below the floor. */
const ownLookedAt = 12;
const ownWordsFound = 4;
const ownFloor = 0.25;
/** They rank with the remembered word in this place: what a customer says of a trade is as good as what is remembered of near ones. */
const ownPlace = 4;
/** Remembered names from this many of the nearest rows stand for election. */
const recalledRows = 8;
/** Rows less similar than this are other businesses. */
const recallFloor = 0.4;
export const sampling: Sampling = { temperature: 0.9, topK: 60, topP: 0.95, minP: 0.02 };

type Timing = Suggestion['timing'];

/** The candidates that passed the checks, or the best of them where the generator was asked, unranked, and what it took. */
export interface Proposed {
  measured: Measured[];
  /** Whether every sequence of the model ended before its first name. */
  refusedByGenerator: boolean;
  /** Its log-odds of having nothing to say, where it was asked and can tell. */
  refusal?: number;
  verdicts: Suggestion['verdicts'];
  tokens: Suggestion['tokens'];
}

export interface ProposeOptions {
  /** A business of the memory to leave out, for evaluation on the rows it came from. */
  withoutRow?: number;
  /** How many of the best the generator is asked about; unless given, as many as the ranker wants of one that can say. */
  weighedCount?: number;
  /** Whether the generator is asked for its verdicts, and how likely it finds each name; unless given, as the ranker wants. */
  asksVerdicts?: boolean;
  asksLikelihood?: boolean;
}

export const noVerdicts: Suggestion['verdicts'] = {
  ok: 0,
  format: 0,
  constraint: 0,
  profanity: 0,
  brand: 0,
  duplicate: 0,
};

/**
 * As embedder and generator read a description: without disguise, orders to a machine and slips of the pen, and with English beside what
 * is said in other words.
 */
export function readable(description: string, { words, glossary }: Pick<SuggesterParts, 'words' | 'glossary'>): string {
  return glossary.explain(mendSlips(withoutOrders(undisguise(description)), words));
}

/** Runs `work` and adds the milliseconds it took to a stage. */
async function timed<Value>(timing: Timing, stage: Stage, work: () => Promise<Value>): Promise<Value> {
  const from = performance.now();
  try {
    return await work();
  } finally {
    timing[stage] = (timing[stage] ?? 0) + performance.now() - from;
  }
}

/** Books what the engine took since `from`, less what the request waited. */
function addEngineTime(timing: Timing, from: number, queuedMs: number): void {
  timing.queue = (timing.queue ?? 0) + queuedMs;
  timing.generate = (timing.generate ?? 0) + performance.now() - from - queuedMs;
}

/** From a checked request to ranked names or a refusal. Knows engines and guards by their interfaces only. */
export class Suggester {
  constructor(private readonly _parts: SuggesterParts) {}

  /** @throws GuardFailedError when a guard fails, and what the engine throws */
  async suggest(request: SuggestRequest, signal: AbortSignal): Promise<Suggestion> {
    const started = performance.now();
    const timing: Timing = { total: 0 };
    const { refusal, doubt } = await timed(timing, 'prefilter', () => this._judge(request, signal));
    const proposed = refusal ? undefined : await this.propose(request, signal, timing);
    const refused = refusal ?? (proposed && this._refusedAfterAll(proposed, doubt));
    const { count, style, seed } = request;
    const suggestions = refused ? [] : rank(proposed?.measured ?? [], this._parts.ranker, count, style, seed);
    timing.total = performance.now() - started;
    return {
      status: refused ? 'refused' : 'ok',
      suggestions,
      refusal: refused,
      partial: !refused && suggestions.length < request.count ? true : undefined,
      timing,
      verdicts: proposed?.verdicts ?? noVerdicts,
      tokens: proposed?.tokens ?? { prompt: 0, generated: 0 },
    };
  }

  /**
   * Recall, generation over as many rounds as it takes, the checks on each name, the features to rank by, and for the
   * best what the generator says of them.
   * @param timing where the milliseconds of each stage are added
   */
  async propose(
    request: SuggestRequest,
    signal: AbortSignal,
    timing: Timing = { total: 0 },
    {
      withoutRow,
      weighedCount = this._parts.ranker.weighed && this._parts.engine.score ? shortlisted : 0,
      asksVerdicts = (this._parts.ranker.weighed?.weights.lineVerdict ?? 0) !== 0,
      asksLikelihood = (this._parts.ranker.weighed?.weights.lineAdvantage ?? 0) !== 0,
    }: ProposeOptions = {},
  ): Promise<Proposed> {
    const constraints = readConstraints(request.description, request);
    const wordCount = isDemanding(constraints) ? wordsForDemands : wordsFound;
    const read = { ...request, description: readable(request.description, this._parts) };
    const { query, recalled, own, fitting } = await timed(timing, 'recall', () =>
      this._recall(read, wordCount, withoutRow, signal),
    );
    const near = this._near(recalled);
    const nearNames = new Set(near.flatMap(({ names }) => names));
    const pool = new CandidatePool(
      constraints,
      this._parts.outputGuard,
      (text) => this._parts.words.has(text),
      (name) => this._parts.recall.remembers(name) && !nearNames.has(name),
    );
    const tokens = { prompt: 0, generated: 0 };
    const seed = request.seed ?? hash32(request.description);
    const wanted = candidatesPerName * request.count;
    let refusal: number | undefined;
    for (let round = 0; round < maxRounds; round++) {
      const before = pool.candidates.length;
      const generation = await this._generate(read, recalled, round, hash32(seed, round), signal, timing);
      refusal ??= generation.refusal;
      tokens.prompt += generation.promptTokens;
      tokens.generated += generation.generatedTokens;
      const isEmpty = generation.emptySequences === generation.sequences;
      // One whose refusals count by how near it is to them ends many a list at once; where it cannot say how near, it is asked again.
      const isRefusal = this._parts.secondOpinion === undefined || generation.refusal !== undefined;
      if (round === 0 && isEmpty && isRefusal)
        return { measured: [], refusedByGenerator: true, refusal, verdicts: pool.verdicts, tokens };
      for (const { text, logProbability, tokens: length } of generation.lines)
        pool.add({ text, source: 'model', meanLogProbability: logProbability / length });
      if (round === 0) this._addRemembered(pool, near, recalled.hints, fitting, generation.lines, constraints);
      if (isEmpty) continue;
      if (pool.candidates.length >= wanted || pool.candidates.length === before) break;
    }
    const measured = await timed(timing, 'rank', () =>
      this._measure(pool.candidates, query, recalled, request.description, own, signal),
    );
    const asked = { weighedCount, asksVerdicts, asksLikelihood };
    const best =
      weighedCount > 0 ? await this._weigh(measured, read, recalled, asked, signal, timing, tokens) : measured;
    return { measured: best, refusedByGenerator: false, refusal, verdicts: pool.verdicts, tokens };
  }

  /**
   * The best of the measured names, with how likely the generator is to write each for the request.
   * @throws when the engine cannot score
   */
  private async _weigh(
    measured: readonly Measured[],
    request: SuggestRequest,
    recalled: Recalled,
    { weighedCount, asksVerdicts, asksLikelihood }: Required<Omit<ProposeOptions, 'withoutRow'>>,
    signal: AbortSignal,
    timing: Timing,
    tokens: Suggestion['tokens'],
  ): Promise<Measured[]> {
    const { engine, ranker } = this._parts;
    if (!engine.score) throw new Error('this engine cannot say how likely a line is; take the model in this process');
    const rated = measured.map((item) => ({ item, value: standing(item, ranker, request.style) }));
    let remembered = 0;
    const best = rated
      .toSorted((a, b) => b.value - a.value)
      // An answer holds few remembered names: more than it could hold at worst only keep others out.
      .filter(({ item }) => !item.isRemembered || remembered++ < request.count)
      .slice(0, Math.max(weighedCount, 2 * request.count));
    const from = performance.now();
    const scoring = await engine.score({
      prompt: this._hinted(request, recalled),
      lines: best.map(({ item }) => item.candidate.name),
      question: asksVerdicts ? verdictQuestion : undefined,
      asksLikelihood,
      sequences: weighedAtOnce,
      isContinued: true,
      client: request.client,
      signal,
    });
    addEngineTime(timing, from, scoring.queuedMs);
    tokens.prompt += scoring.promptTokens + scoring.lines.reduce((sum, line) => sum + line.tokens, 0);
    const lines = weighLines(scoring.lines);
    return best.map(({ item }, index) => ({ ...item, line: lines[index] }));
  }

  private async _generate(
    request: SuggestRequest,
    recalled: Recalled,
    round: number,
    seed: number,
    signal: AbortSignal,
    timing: Timing,
  ): Promise<Generation> {
    const from = performance.now();
    const generation = await this._parts.engine.generate({
      prompts: this._prompts(request, recalled, round, hash32(seed, 'hints')),
      sequences: listsPerRound,
      seed: hash32(seed, 'sample'),
      maxTokens: listTokens,
      sampling,
      isContinued: round > 0,
      asksRefusal: this._parts.secondOpinion !== undefined,
      client: request.client,
      signal,
    });
    addEngineTime(timing, from, generation.queuedMs);
    return generation;
  }

  /**
   * What the generator refuses, by itself or together with a prefilter that had its doubts.
   * @throws GuardFailedError when either gave no number
   */
  private _refusedAfterAll(proposed: Proposed, doubt: Doubt | undefined): Refusal | undefined {
    const { secondOpinion } = this._parts;
    let refuses = proposed.refusedByGenerator;
    try {
      if (secondOpinion && doubt && !refuses)
        refuses = refusesTogether(doubt.margin, proposed.refusal ?? NaN, secondOpinion);
    } catch (error) {
      throw new GuardFailedError(error);
    }
    if (!refuses) return undefined;
    const category = doubt?.category ?? 'illegal-other';
    return { stage: 'generator', category, message: refusalMessages[category] };
  }

  /** Everything a caller wrote that could carry intent is judged; names to leave out are not. */
  private async _judge(request: SuggestRequest, signal: AbortSignal): Promise<{ refusal?: Refusal; doubt?: Doubt }> {
    const { description, contains, starts_with, ends_with, like = [] } = request;
    const text = [description, contains, starts_with, ends_with, ...like].filter(Boolean).join('\n');
    try {
      const { label, category = 'illegal-other', doubt } = await this._parts.prefilter.classify(text, signal);
      if (label === 'allow') return { doubt };
      return { refusal: { stage: 'prefilter', category, message: refusalMessages[category] } };
    } catch (error) {
      // Who left, or waited too long, is no failure of the guard.
      signal.throwIfAborted();
      throw new GuardFailedError(error);
    }
  }

  private async _recall(
    { description }: SuggestRequest,
    wordCount: number,
    withoutRow: number | undefined,
    signal: AbortSignal,
  ): Promise<{ query: Float32Array; recalled: Recalled; own: string[]; fitting: Hint[] }> {
    const { embedder, recall, relevance, words } = this._parts;
    const query = await embedder.embed(description);
    const recalled = recall.lookUp(query, wordCount, withoutRow);
    const own = ownWords(description, words, (word) => recall.knows(word));
    const rated: Hint[] = [];
    for (const word of own.toSorted((a, b) => (words.get(a) ?? 0) - (words.get(b) ?? 0)).slice(0, ownLookedAt)) {
      signal.throwIfAborted();
      const score = await relevance.ofWord(query, word);
      if (score >= ownFloor && !recalled.hints.some((hint) => sameStem(hint.word, word))) rated.push({ word, score });
    }
    const place = recalled.hints[ownPlace]?.score ?? ownFloor;
    const fitting = rated
      .toSorted((a, b) => b.score - a.score)
      .slice(0, ownWordsFound)
      .map(({ word, score }) => ({ word, score: Math.max(place, score) }));
    return { query, recalled, own, fitting };
  }

  /** Rows that tell of businesses like the one described. */
  private _near({ neighbours }: Recalled): Neighbour[] {
    return neighbours.slice(0, recalledRows).filter(({ similarity }) => similarity >= recallFloor);
  }

  /** Names of the nearest rows stand for election too, and compounds of fitting words where the wishes are demanding. */
  private _addRemembered(
    pool: CandidatePool,
    near: readonly Neighbour[],
    hints: readonly Hint[],
    fitting: readonly Hint[],
    lines: readonly GeneratedLine[],
    constraints: Constraints,
  ): void {
    for (const { names, similarity } of near)
      for (const text of names) pool.add({ text, source: 'recall', rowSimilarity: similarity });
    const names = near.flatMap((row) => row.names);
    const words = [...fitting, ...hints].map(({ word }) => word);
    const proposed = [...names, ...lines.map(({ text }) => text)];
    const composed = composeNames(words, proposed, constraints, this._parts.words);
    const paired = [...fitting, ...hints.slice(0, wordsFound)];
    const pairs = pairNames(paired, (word) => this._parts.recall.usage(word), pairsComposed);
    const crossed = crossNames(near, this._parts.words, namesCrossed);
    const single = constraints.oneWord ? words : [];
    for (const text of [...crossed, ...pairs, ...composed, ...single]) pool.add({ text, source: 'composed' });
  }

  /** The description and the wishes in one text, as the generator was taught to read them. */
  private _described(request: SuggestRequest): string {
    const like = request.like?.length ? `Something like ${request.like.join(', ')}.` : '';
    const wishes = [describeFields(request), like].filter(Boolean).join(' ');
    // A long description gives way, not the wishes behind it.
    return [request.description.slice(0, longestDescription - wishes.length - 1), wishes].filter(Boolean).join(' ');
  }

  /** The request with the best hints: what is near. */
  private _hinted(request: SuggestRequest, { hints }: Recalled): string {
    const best = hints.slice(0, hintsShown).map(({ word }) => word);
    return buildPrompt({ description: this._described(request), hints: best });
  }

  /**
   * The request with hints and without: what is near, and room for what is not. In a first round they are the best ones, so that the
   * names are weighed behind a prompt that the engine has read already, in further ones others.
   */
  private _prompts(request: SuggestRequest, recalled: Recalled, round: number, seed: number): string[] {
    const others = shuffled(recalled.hints.slice(0, hintsFound), seededRandom(seed));
    const hints = round === 0 ? recalled.hints : others;
    return [this._hinted(request, { ...recalled, hints }), this._hinted(request, { ...recalled, hints: [] })];
  }

  private async _measure(
    candidates: readonly Candidate[],
    query: Float32Array,
    recalled: Recalled,
    description: string,
    own: readonly string[],
    signal: AbortSignal,
  ): Promise<Measured[]> {
    const { relevance, recall } = this._parts;
    const words = withOwnWords(this._parts.words, own);
    const memory = recall.wordMemory(recalled);
    const measured: Measured[] = [];
    for (const candidate of candidates) {
      signal.throwIfAborted();
      const parts = segment(candidate.name, words);
      const similarity = await relevance.of(query, parts);
      const isRemembered = recall.remembers(candidate.name);
      measured.push({ ...measure(candidate, parts, similarity, description, words, memory), isRemembered });
    }
    return measured;
  }
}
