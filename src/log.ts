import { writeSync } from 'node:fs';
import type pino from 'pino';

const standardOutput = 1;

/**
 * Standard output as pino's destination. A line that cannot be written (a full disk, a reader that has gone) is lost, the next one is tried again, and the service goes on. Pino's own destination keeps what failed, and on
 * a full disk waits for room without end, with all requests behind it.
 */
export function logDestination(): pino.DestinationStream {
  let told = false;
  return {
    write(line) {
      try {
        writeSync(standardOutput, line);
      } catch (error) {
        if (!told) console.error(`log lines are being lost: ${(error as Error).message}`);
        told = true;
      }
    },
  };
}
