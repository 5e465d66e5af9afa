/** One line that the model wrote, a candidate name before any check. */
export interface GeneratedLine {
  text: string;
  /** Sum of the natural logarithms of the probabilities of its tokens, its line break included. */
  logProbability: number;
  tokens: number;
}

export interface GenerateRequest {
  /** Prompts to continue; each is evaluated once, and its sequences share that state. */
  prompts: readonly string[];
  /** Name lists to sample, dealt to the prompts in turn. */
  sequences: number;
  /** Each sequence samples from its own stream derived from this. */
  seed: number;
  /** Longest list, in tokens. */
  maxTokens: number;
  sampling: Sampling;
  /** Aborting it frees the sequences within one token and rejects with its reason. */
  signal: AbortSignal;
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
  sequences: number;
  promptTokens: number;
  generatedTokens: number;
  /** Time spent waiting for sequences, in milliseconds. */
  queuedMs: number;
}

export interface ScoreRequest {
  prompt: string;
  /** Names that the model is asked about, as if each were the first line of its answer. */
  lines: readonly string[];
  /** Lines weighed side by side. */
  sequences: number;
  signal: AbortSignal;
}

export interface ScoredLine {
  /** Natural logarithm of the probability of the line and its line break after the prompt. */
  logProbability: number;
  tokens: number;
}

/** Whatever turns prompts into candidate lines: a model in this process or a server elsewhere. */
export interface Engine {
  /**
   * @throws QueueFullError when too many requests wait already
   * @throws EngineStoppedError when the engine is being disposed
   * @throws the signal's reason when it was aborted
   */
  generate(request: GenerateRequest): Promise<Generation>;
  /**
   * How likely the model is to write each line. Who was let in to generate goes ahead of those who still wait.
   * @returns one for each of the lines, in their order
   * @throws EngineStoppedError when the engine is being disposed
   * @throws the signal's reason when it was aborted
   */
  score(request: ScoreRequest): Promise<ScoredLine[]>;
  /** Requests that wait for sequences. */
  readonly queueDepth: number;
  dispose(): Promise<void>;
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
