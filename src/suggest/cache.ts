import { LRUCache } from 'lru-cache';
import type { SuggestRequest, Suggestion } from './suggester.js';

export interface Suggests {
  suggest(request: SuggestRequest, signal: AbortSignal): Promise<Suggestion>;
}

/** Keeps the latest answers. An answer follows from model, request and seed alone, so an equal request gets it again. */
export class CachedSuggester {
  private readonly _answers: LRUCache<string, Suggestion> | undefined;

  /** @param size how many answers to keep; 0 keeps none */
  constructor(
    private readonly _suggester: Suggests,
    size: number,
    private readonly _depth: () => number,
  ) {
    this._answers = size > 0 ? new LRUCache({ max: size }) : undefined;
  }

  get queueDepth(): number {
    return this._depth();
  }

  async suggest(request: SuggestRequest, signal: AbortSignal): Promise<{ suggestion: Suggestion; cached: boolean }> {
    const started = performance.now();
    const key = JSON.stringify(Object.entries(request).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = this._answers?.get(key);
    if (known) return { suggestion: { ...known, timing: { total: performance.now() - started } }, cached: true };
    const suggestion = await this._suggester.suggest(request, signal);
    this._answers?.set(key, suggestion);
    return { suggestion, cached: false };
  }
}
