/** How much is measured. */
export interface Sizes {
  /** Lists for each parallel list, and besides. */
  listsEach: number;
  listsBesides: number;
  /** Tokens that llama-batched-bench decodes a sequence. */
  batchedTokens: number;
  /** Requests at each number of clients that the service and llama-server are compared at. */
  requests: ReadonlyMap<number, number>;
  cachedSeconds: number;
  refusals: number;
  /** Numbers of sequences that start and memory are followed over, starts at each, and requests after each start. */
  growingSequences: readonly number[];
  starts: number;
  requestsAfterStart: number;
  /** Numbers of clients that cost is followed over, and requests at each for each client, and besides. */
  growingClients: readonly number[];
  growthEach: number;
  growthBesides: number;
  /** Lengths that cost is followed over, in characters, and requests at each. */
  growingLengths: readonly number[];
  requestsPerLength: number;
}

export const fullSizes: Sizes = {
  listsEach: 12,
  listsBesides: 24,
  batchedTokens: 128,
  requests: new Map([
    [1, 150],
    [8, 150],
    [32, 96],
  ]),
  cachedSeconds: 10,
  refusals: 100,
  growingSequences: [6, 12, 24],
  starts: 3,
  requestsAfterStart: 20,
  growingClients: [1, 2, 4, 8, 16, 32, 64],
  growthEach: 1,
  growthBesides: 32,
  growingLengths: [20, 50, 100, 200, 500, 1000, 2000],
  requestsPerLength: 20,
};

/** Only shows that everything runs; the figures are worth nothing. */
export const quickSizes: Sizes = {
  listsEach: 1,
  listsBesides: 1,
  batchedTokens: 8,
  requests: new Map([
    [1, 2],
    [8, 2],
  ]),
  cachedSeconds: 1,
  refusals: 3,
  growingSequences: [6],
  starts: 1,
  requestsAfterStart: 1,
  growingClients: [1, 2, 4],
  growthEach: 0,
  growthBesides: 2,
  growingLengths: [20, 200, 2000],
  requestsPerLength: 1,
};
