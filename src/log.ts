import pino from 'pino';

const standardOutput = 1;
/** Bytes of lines that are kept while the log takes none; more are lost. */
const mostKept = 1024 * 1024;

/**
 * Standard output as pino's destination. A full disk, or a reader that has gone, costs log lines and not the service: by
 * itself pino ends the process at the first write that fails.
 */
export function logDestination(): pino.DestinationStream {
  const destination = pino.destination({ fd: standardOutput, sync: true, maxLength: mostKept });
  let told = false;
  const tell = ({ message }: Error) => {
    if (!told) console.error(`log lines are being lost: ${message}`);
    told = true;
  };
  destination.on('error', tell);
  // Full, it would take no line any more even when there is room again.
  destination.on('drop', () => {
    try {
      destination.flushSync();
    } catch (error) {
      tell(error as Error);
    }
  });
  return destination;
}
