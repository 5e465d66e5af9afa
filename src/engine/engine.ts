/** One line that the model wrote, a candidate name before any check. */
export interface GeneratedLine {
  text: string;
  /** Sum of the natural logarithms of the probabilities of its tokens, its line break included. */
  logProbability: number;
  tokens: number;
}

/** What both uses of the engine's sequences share. */
export interface SequenceRequest {
  /** Sequences to run side by side. */
  sequences: number;
  /** A later part of a request that was let in already: goes ahead of those who still wait, and the queue's limit is not for it. */
  isContinued?: boolean;
  /** Who asks; clients that wait take turns. */
  client?: string;
  /** Aborting it frees the sequences within one token and rejects with its reason. */
  signal: AbortSignal;
}

export interface GenerateRequest extends SequenceRequest {
  /** Prompts to continue; sequences are dealt to them in turn, and those of one prompt share its state. */
  prompts: readonly string[];
  /** Each sequence samples from its own stream derived from this. */
  seed: number;
  /** Longest list, in tokens. */
  maxTokens: number;
  sampling: Sampling;
  /** Whether to say how near the model is to refusing the last of the prompts; sequences then hardly ever end before a name. */
  asksRefusal?: boolean;
}

export interface Sampling {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
}

export interface Generation {
  lines: GeneratedLine[];
  /** Sequences that ended before their first name: the model's own refusal. */
  emptySequences: number;
  /** Log-odds that the model ends before its first name behind the last prompt; set where it was asked and can say. */
  refusal?: number;
  sequences: number;
  promptTokens: number;
  generatedTokens: number;
  /** Time spent waiting for sequences, in milliseconds. */
  queuedMs: number;
}

/** What a model was taught to say of a name: behind it stands the mark, where its line break would, and then one of two answers. */
export interface Question {
  /** Each of the three is one token. */
  mark: string;
  yes: string;
  no: string;
}

export interface ScoreRequest extends SequenceRequest {
  prompt: string;
  /** Names that the model is asked about, as if each were the first line of its answer. */
  lines: readonly string[];
  /** Asked of each name as well. */
  question?: Question;
  /** Whether to say how likely each name is; unless given, it is said. Reading probabilities takes a quarter of the time. */
  asksLikelihood?: boolean;
}

export interface ScoredLine {
  /** Natural logarithm of the probability of the line and its line break after the prompt, where it was asked for. */
  logProbability?: number;
  tokens: number;
  /** Log-odds of yes against no, where a question was asked. */
  verdict?: number;
}

export interface Scoring {
  /** One for each of the lines that were asked about, in their order. */
  lines: ScoredLine[];
  promptTokens: number;
  /** Time spent waiting for sequences, in milliseconds. */
  queuedMs: number;
}

export interface EndpointHealth {
  /** Its host and port. */
  readonly name: string;
  /** Whether it is asked; one that failed is not until it is healthy again. */
  readonly isUp: boolean;
}

/** Whatever turns prompts into candidate lines: a model in this process or a server elsewhere. */
export interface Engine {
  /**
   * @throws QueueFullError when too many requests wait already
   * @throws EngineStoppedError when the engine is being disposed
   * @throws EngineDownError when no server behind the engine answers
   * @throws the signal's reason when it was aborted
   */
  generate(request: GenerateRequest): Promise<Generation>;
  /** How likely the model is to write each line; throws as `generate` does. Absent where the model cannot be asked this. */
  score?(request: ScoreRequest): Promise<Scoring>;
  /** Requests that wait for sequences. */
  readonly queueDepth: number;
  /** The servers behind the engine; absent where the model is in this process. */
  readonly endpoints?: readonly EndpointHealth[];
  dispose(): Promise<void>;
}

/** An engine that may come and go while the process stays. */
export interface StandingEngine extends Engine {
  /** Whether it answers now. */
  readonly isUp: boolean;
  /** How often it was replaced by a new one. */
  readonly restarts: number;
  /** Milliseconds that it has been down; 0 while it is up, or where others look after it. */
  readonly downMs: number;
}

export class QueueFullError extends Error {
  override name = 'QueueFullError';
  constructor(limit: number) {
    super(`${limit} requests wait already; try again in a moment`);
  }
}

export class EngineStoppedError extends Error {
  override name = 'EngineStoppedError';
  constructor() {
    super('the engine has stopped');
  }
}

/** What computes has failed or hangs, or no server that has the model answers; it will be back, or another takes its place. */
export class EngineDownError extends Error {
  override name = 'EngineDownError';
  constructor(cause?: unknown) {
    super('the engine does not answer', { cause });
  }
}
