import fp from 'fastify-plugin';
import type { FastifyInstance } from 'fastify';
import { Gauge } from 'prom-client';

/** Which of the servers that run the model are asked, as a metric; without such servers it has no values. */
export default fp(
  (app: FastifyInstance) => {
    new Gauge({
      name: 'domain_suggest_engine_endpoint_up',
      help: 'Whether a server that runs the model is asked: 1, or 0 after failures until it is healthy again.',
      labelNames: ['endpoint'],
      registers: [app.metrics.registry],
      collect() {
        for (const { name, isUp } of app.service.current?.endpoints ?? []) this.set({ endpoint: name }, isUp ? 1 : 0);
      },
    });
    return Promise.resolve();
  },
  { name: 'endpoints', dependencies: ['service', 'metrics'] },
);
