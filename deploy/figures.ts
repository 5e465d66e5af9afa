/**
 * What the arithmetic of SCALING.md stands on. `measured` is from this project's own benchmarks, `published` from the source
 * named beside it, `assumed` is to be replaced by the operator's own. After a change: npm run scaling.
 */
export const measured = {
  /** Seconds that one uncached answer keeps the two cores of a replica busy; bench/results/latest.md, two cores of an AMD EPYC, one client. */
  answerSeconds: { p50: 0.392, p95: 0.568 },
  /** Of which the generator; the same. */
  generateSeconds: 0.267,
  /** Prefilter, recall and ranker, which stay in the service when another engine writes the names; the same: 17 + 47 + 9 ms. */
  guardSeconds: 0.073,
  /** Resident memory: 664 MB after 20 requests, 761 MB at most in half an hour in a process that tests it. */
  memoryGB: 0.75,
  coresPerReplica: 2,
  /** The same. */
  readySeconds: 2.2,
  /** Bytes of a request and of an answer of five names with their headers; test/deploy/prometheus.test.ts holds the answer below it. */
  requestBytes: 500,
  answerBytes: 1500,
  /** Series that one replica shows Prometheus; test/deploy/prometheus.test.ts holds it. */
  seriesPerReplica: 300,
} as const;

export const published = {
  /**
   * Mistral-7B-Instruct-v0.3 on vLLM, one RTX 4090, 256 tokens in, 48 requests at once, output tokens a second:
   * mushfiqrahman.dev, "Benchmarking Mistral-7B on RTX 4090: vLLM Concurrency, Latency, and Capacity Planning".
   */
  gpuTokensPerSecond: 1190,
  /** SET a second, one connection pool, no pipelining: the example of redis.io/topics/benchmarks, an old and small machine. */
  redisOperationsPerSecond: 74_239,
  /** kubernetes.io, "Considerations for large clusters". */
  clusterPods: 150_000,
} as const;

export const assumed = {
  offeredPerSecond: 10_000,
  /** Share of a replica's time that may be spoken for: the simulation below says what more of it costs. */
  targetUtilization: 0.7,
  /** Tokens that an answer asks of the generator: 2 lists of 12. Weighing 24 candidates is reading, and not counted. */
  tokensPerAnswer: 24,
  /** Dollars. Two cores with 4 GB of a large cloud's compute family, on demand. */
  replicaPerHour: 0.1,
  /** Dollars. One GPU of 24 GB with its share of a machine, on demand. */
  gpuPerHour: 0.7,
  coresPerNode: 64,
  scrapeSeconds: 15,
  /** For the cache in front of the engine: an answer out of Redis. */
  hitSeconds: 0.002,
} as const;
