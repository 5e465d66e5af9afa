import type { BenchContext } from './context.js';
import { inTurn } from './descriptions.js';
import { withLlamaServer } from './llama-server.js';
import type { Section } from './section.js';
import { suggest, withService } from './service-process.js';
import { median } from './statistics.js';

const targets = { readySeconds: 3, residentMb: 700 };

/** From the start of the process to ready, and what it then holds in memory, as sequences grow. */
export async function measureStartup(context: BenchContext): Promise<Section> {
  const { binFolder, model, threads, descriptions, sizes, log } = context;
  const nextDescription = inTurn(descriptions.lawful);
  const rows = [];
  for (const sequences of sizes.growingSequences) {
    log(`startup: ${sequences} sequences`);
    const starts = [];
    for (let start = 0; start < sizes.starts; start++) {
      const own = await withService({ threads, sequences }, async ({ url, readyMs, residentMb }) => {
        const atReady = await residentMb();
        for (let seed = 0; seed < sizes.requestsAfterStart; seed++) await suggest(url, nextDescription(), seed);
        return { readyMs, atReady, afterRequests: await residentMb() };
      });
      const theirs = await withLlamaServer(
        { binFolder, modelPath: model.modelPath, threads, slots: sequences },
        async ({ readyMs, residentMb }) => ({ readyMs, resident: await residentMb() }),
      );
      starts.push({ own, theirs });
    }
    rows.push({
      sequences,
      ready_s: median(starts.map(({ own }) => own.readyMs)) / 1000,
      resident_at_ready_mb: median(starts.map(({ own }) => own.atReady)),
      resident_after_requests_mb: median(starts.map(({ own }) => own.afterRequests)),
      llama_server_ready_s: median(starts.map(({ theirs }) => theirs.readyMs)) / 1000,
      llama_server_resident_mb: median(starts.map(({ theirs }) => theirs.resident)),
      n_starts: starts.length,
    });
  }
  const served = rows.find(({ sequences }) => sequences === context.sequences) ?? rows[0]!;
  const n = `${served.n_starts} starts, ${served.sequences} sequences`;
  return {
    title: 'Start and memory',
    notes: [
      `Medians. From spawning the process to the first 200 of /readyz (llama-server: /health); resident memory then and after ${sizes.requestsAfterStart} requests. llama-server holds the generator alone; the service also holds the encoders of recall and prefilter and the memory of expert rows.`,
    ],
    tables: { sequences: rows },
    checks: [
      { what: 'start to ready', value: served.ready_s, unit: 's', bound: 'at most', target: targets.readySeconds, n },
      {
        what: `resident memory after ${sizes.requestsAfterStart} requests`,
        value: served.resident_after_requests_mb,
        unit: 'MB',
        bound: 'at most',
        target: targets.residentMb,
        n,
      },
    ],
  };
}
