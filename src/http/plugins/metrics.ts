import fp from 'fastify-plugin';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RedisLink } from '../../redis.js';
import type { Source } from '../../suggest/cache.js';
import type { Suggestion } from '../../suggest/suggester.js';

const latencyBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20];

/** The service's Prometheus metrics; no label ever holds what a caller wrote. */
export class Metrics {
  readonly registry = new Registry();
  /** Suggest requests being answered. */
  inFlight = 0;
  private readonly _requests = this._counter('requests_total', 'Suggest requests by how they ended.', ['outcome']);
  private readonly _refusals = this._counter('refusals_total', 'Refusals.', ['stage', 'category']);
  private readonly _tokens = this._counter('tokens_total', 'Model tokens: prompt, generated.', ['kind']);
  private readonly _candidates = this._counter('candidates_total', 'Proposed names by what became of them.', [
    'verdict',
  ]);
  private readonly _cache = this._counter('cache_total', 'Look-ups in the answer cache: hit, miss, joined.', [
    'result',
  ]);
  private readonly _duration = this._histogram('duration_seconds', 'Time to answer a suggest request.', []);
  private readonly _stages = this._histogram('stage_duration_seconds', 'Time in one stage.', ['stage']);
  private readonly _queueTime = this._histogram('queue_seconds', 'Time a request waited for sequences.', []);
  private readonly _inFlight = this._gauge('in_flight', 'Suggest requests being answered.');
  private readonly _modelInfo = new Gauge({
    name: 'domain_suggest_model_info',
    help: 'Always 1; the labels say which model answers.',
    labelNames: ['version', 'base', 'quant'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A gauge that is read at each scrape. */
  watch(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `domain_suggest_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  setModel({ version, base, quantization }: { version: string; base: string; quantization: string }): void {
    this._modelInfo.reset();
    this._modelInfo.set({ version, base, quant: quantization }, 1);
  }

  /** Counts a request as in flight until the returned function is called with how it ended. */
  start(): (outcome: string) => void {
    this._inFlight.set(++this.inFlight);
    const from = performance.now();
    return (outcome) => {
      this._inFlight.set(--this.inFlight);
      this._requests.inc({ outcome });
      this._duration.observe((performance.now() - from) / 1000);
    };
  }

  countCache(result: Source): void {
    this._cache.inc({ result });
  }

  countRefusal({ stage, category }: NonNullable<Suggestion['refusal']>): void {
    this._refusals.inc({ stage, category });
  }

  /** What an answer took; not for one that was there already. */
  recordWork({ timing, verdicts, tokens }: Suggestion): void {
    const { queue, ...stages } = timing;
    for (const [stage, ms] of Object.entries(stages)) if (stage !== 'total') this._stages.observe({ stage }, ms / 1000);
    if (queue !== undefined) this._queueTime.observe(queue / 1000);
    for (const [verdict, count] of Object.entries(verdicts)) this._candidates.inc({ verdict }, count);
    for (const [kind, count] of Object.entries(tokens)) this._tokens.inc({ kind }, count);
  }

  private _counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `domain_suggest_${name}`, help, labelNames, registers: [this.registry] });
  }

  private _histogram<Label extends string>(name: string, help: string, labelNames: Label[]): Histogram<Label> {
    const buckets = latencyBuckets;
    return new Histogram({ name: `domain_suggest_${name}`, help, labelNames, buckets, registers: [this.registry] });
  }

  private _gauge(name: string, help: string): Gauge {
    return new Gauge({ name: `domain_suggest_${name}`, help, registers: [this.registry] });
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics;
  }
}

export default fp(
  (app: FastifyInstance, { redis }: { redis?: RedisLink }) => {
    const metrics = new Metrics();
    metrics.watch(
      'queue_depth',
      'Requests that wait for sequences.',
      () => app.service.current?.suggester.queueDepth ?? 0,
    );
    metrics.watch('engine_up', 'Whether the model answers.', () => (app.service.current?.isUp() ? 1 : 0));
    metrics.watch(
      'engine_restarts',
      'How often a model that hung or failed was loaded anew.',
      () => app.service.current?.restarts() ?? 0,
    );
    if (redis)
      metrics.watch('redis_up', 'Whether this replica shares with others through Redis.', () => (redis.up ? 1 : 0));
    app.decorate('metrics', metrics);
    app.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    );
    return Promise.resolve();
  },
  { name: 'metrics', dependencies: ['service'] },
);
