import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { CachedSuggester, type AnswerStore, type CacheOptions, type Suggests } from '../../src/suggest/cache.js';
import type { Suggestion } from '../../src/suggest/suggester.js';
import { never, suggestionOf } from '../support.js';

const request = { description: 'a bakery', count: 5 };

function cached(suggest: Suggests['suggest'], options: Partial<CacheOptions> = {}): CachedSuggester {
  return new CachedSuggester({ suggest }, { size: 10, ttlMs: 60_000, version: 'v1', ...options }, () => 0);
}

/** A suggester that answers when told to, and counts how often it was asked. */
function held() {
  let asked = 0;
  let answer!: (suggestion: Suggestion) => void;
  let signal!: AbortSignal;
  const suggest: Suggests['suggest'] = (_request, given) => {
    asked++;
    signal = given;
    return new Promise((resolve, reject) => {
      answer = resolve;
      given.addEventListener('abort', () => reject(given.reason as Error));
    });
  };
  return { suggest, asked: () => asked, answer: (name: string) => answer(suggestionOf(name)), signal: () => signal };
}

t.test(
  'an equal request gets the same answer again, whoever asks and in whatever order its fields stand',
  async (t) => {
    let asked = 0;
    const cache = cached(async () => suggestionOf(`name${++asked}`));
    const first = await cache.suggest({ ...request, client: 'a' }, never);
    const second = await cache.suggest({ count: 5, description: 'a bakery', client: 'b' }, never);
    t.equal(first.source, 'miss');
    t.equal(second.source, 'hit');
    t.same(second.suggestion.suggestions, first.suggestion.suggestions);
    t.equal((await cache.suggest({ ...request, seed: 2 }, never)).source, 'miss');
  },
);

t.test('an answer is not kept beyond its time', async (t) => {
  const cache = cached(async () => suggestionOf('crumb'), { ttlMs: 20 });
  await cache.suggest(request, never);
  await pause(50);
  t.equal((await cache.suggest(request, never)).source, 'miss');
});

t.test('equal requests at the same time are answered once', async (t) => {
  const { suggest, asked, answer } = held();
  const cache = cached(suggest, { size: 0 });
  const both = Promise.all([cache.suggest(request, never), cache.suggest(request, never)]);
  t.equal(cache.inFlight, 2);
  answer('crumb');
  t.same(
    (await both).map(({ source }) => source),
    ['miss', 'joined'],
  );
  t.same(
    (await both).map(({ isNew }) => isNew),
    [true, false],
    'what it took is counted once',
  );
  t.equal(asked(), 1);
  t.equal(cache.inFlight, 0);
});

t.test('who leaves does not take the answer from who stays; when all have left the work ends', async (t) => {
  const { suggest, asked, answer, signal } = held();
  const cache = cached(suggest);
  const leaver = new AbortController();
  const leaving = cache.suggest(request, leaver.signal);
  const staying = cache.suggest(request, never);
  leaver.abort(new Error('gone'));
  await t.rejects(leaving, { message: 'gone' });
  t.notOk(signal().aborted);
  answer('crumb');
  t.match((await staying).suggestion.suggestions, [{ name: 'crumb' }]);

  const last = new AbortController();
  const other = cache.suggest({ ...request, seed: 3 }, last.signal);
  last.abort(new Error('gone too'));
  await t.rejects(other, { message: 'gone too' });
  t.ok(signal().aborted);
  const again = cache.suggest({ ...request, seed: 3 }, never);
  await pause(0);
  answer('dough');
  t.match((await again).suggestion.suggestions, [{ name: 'dough' }], 'who comes after is not given the aborted work');
  t.equal(asked(), 3);
});

t.test('a failure is not kept', async (t) => {
  let asked = 0;
  const cache = cached(async () => {
    if (++asked === 1) throw new Error('once');
    return suggestionOf('crumb');
  });
  await t.rejects(cache.suggest(request, never), { message: 'once' });
  t.equal((await cache.suggest(request, never)).source, 'miss');
});

t.test('replicas of one version share answers, other versions do not see them', async (t) => {
  const kept = new Map<string, Suggestion>();
  const shared: AnswerStore = {
    get: async (key) => {
      const answer = kept.get(key);
      return answer && { answer, ttlMs: 1000 };
    },
    set: async (key, answer) => void kept.set(key, answer),
  };
  const replica = (version: string) => cached(async () => suggestionOf(version), { shared, version });
  await replica('v1').suggest(request, never);
  const answered = await replica('v1').suggest(request, never);
  t.equal(answered.source, 'hit');
  t.equal((await replica('v2').suggest(request, never)).source, 'miss');
  t.notMatch([...kept.keys()].join(), 'bakery', 'no description in the key');
});
