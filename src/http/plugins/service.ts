import fp from 'fastify-plugin';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Service } from '../../service.js';
import { ProblemError } from '../problems.js';

/** The loaded model and all that answers with it; empty until it is loaded. */
export interface ServiceSlot {
  current?: Service;
  draining: boolean;
  /** Requests that were let in and whose answer is not wholly out yet. */
  open: number;
}

declare module 'fastify' {
  interface FastifyInstance {
    service: ServiceSlot;
    /** @throws ProblemError while the model loads or is brought back, or the server drains */
    readyService(): Service;
    /**
     * Lets a request in: the server does not end before its answer is out.
     * @throws ProblemError as readyService does
     */
    admit(reply: FastifyReply): void;
  }
}

export default fp(
  (app: FastifyInstance, { service }: { service?: Service }) => {
    const slot: ServiceSlot = { current: service, draining: false, open: 0 };
    app.decorate('service', slot);
    app.decorate('admit', (reply: FastifyReply) => {
      app.readyService();
      slot.open++;
      reply.raw.once('close', () => slot.open--);
    });
    app.decorate('readyService', () => {
      if (slot.draining) throw new ProblemError('draining');
      if (!slot.current) throw new ProblemError('not-ready');
      if (!slot.current.isUp()) throw new ProblemError('engine-down');
      return slot.current;
    });
    return Promise.resolve();
  },
  { name: 'service' },
);
