import fp from 'fastify-plugin';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { RedisLink } from '../../redis.js';
import { ProblemError } from '../problems.js';

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Takes from what the request's client may ask for in a minute, and says in the answer's headers what is left.
     * @param count descriptions that the request holds
     * @throws ProblemError when there is not so much left, or never will be
     */
    spend(request: FastifyRequest, reply: FastifyReply, count: number): Promise<void>;
  }
}

export interface LimitOptions {
  /** Descriptions a minute for each client; 0 is no limit. */
  perMinute: number;
  /** Counts for all replicas together where it is there; each for itself where it is not. */
  redis?: RedisLink;
}

const seconds = 60;

/** Rate limits by key or address. https://github.com/animir/node-rate-limiter-flexible */
export default fp(
  (app: FastifyInstance, { perMinute, redis }: LimitOptions) => {
    const limiter = perMinute > 0 ? makeLimiter(perMinute, redis) : undefined;
    app.decorate('spend', async (request, reply, count) => {
      if (!limiter) return;
      if (count > perMinute) throw new ProblemError('too-large');
      const left = await limiter.consume(request.client, count).catch((rejection: unknown) => {
        if (rejection instanceof RateLimiterRes) return rejection;
        throw rejection;
      });
      const wait = Math.ceil(left.msBeforeNext / 1000);
      // The names of draft-ietf-httpapi-ratelimit-headers-07.
      reply.header('ratelimit-policy', `${perMinute};w=${seconds}`);
      reply.header('ratelimit', `limit=${perMinute}, remaining=${Math.max(0, left.remainingPoints)}, reset=${wait}`);
      if (left.consumedPoints <= perMinute) return;
      // What is turned away has not been had.
      await limiter.reward(request.client, count).catch(() => {});
      reply.header('retry-after', wait);
      throw new ProblemError('too-many');
    });
    return Promise.resolve();
  },
  { name: 'limits', dependencies: ['auth'] },
);

function makeLimiter(points: number, redis?: RedisLink): RateLimiterAbstract {
  const own = new RateLimiterMemory({ points, duration: seconds });
  if (!redis) return own;
  return new RateLimiterRedis({
    storeClient: redis.client,
    keyPrefix: 'domain-yours:limit',
    points,
    duration: seconds,
    rejectIfRedisNotReady: true,
    insuranceLimiter: own,
  });
}
