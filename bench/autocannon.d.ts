declare module 'autocannon' {
  interface Options {
    url: string;
    method: 'POST';
    headers: Record<string, string>;
    body: string;
    connections: number;
    /** Seconds. */
    duration: number;
  }
  interface Histogram {
    average: number;
    total: number;
    p50: number;
    p99: number;
  }
  interface Result {
    /** By the second. */
    requests: Histogram;
    /** Milliseconds. */
    latency: Histogram;
    errors: number;
    non2xx: number;
  }
  /** Of autocannon's API what is used here: https://github.com/mcollina/autocannon#api */
  export default function autocannon(options: Options): Promise<Result>;
}
