/** Bounds of a name that callers may ask for, in characters, hyphens included. */
export const shortestName = 3;
export const longestName = 50;
/** Without a wish of the caller a name has at least this many. */
export const usualShortestName = 5;

const namePattern = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Whether the text is `[a-z0-9-]`, with no leading, trailing or doubled hyphen, of a length within the bounds. */
export function isName(text: string, minLength = usualShortestName, maxLength = longestName): boolean {
  return text.length >= minLength && text.length <= maxLength && namePattern.test(text);
}

const topLevelDomain = /\.(com|net|org|io|co|app|ai|dev|shop|store|info|biz)$/;

/** The name in a line that the model wrote: without list marks, a top-level domain, spaces and capitals. */
export function cleanLine(line: string): string {
  return line
    .trim()
    .toLowerCase()
    .replace(/^(?:\d+[.)]\s+|[-*•]\s+)/, '')
    .replace(topLevelDomain, '')
    .replace(/\s+/g, '');
}

/** Whether the same run of three letters or more stands twice in a row ("pilotpilot", "dogdoghouse"). */
export function hasDoubledWord(name: string): boolean {
  return /([a-z]{3,})-?\1/.test(name);
}

/** Levenshtein distance, given up once it is above `limit` (then `limit + 1`). */
export function editDistance(a: string, b: string, limit = Infinity): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    if (Math.min(...next) > limit) return limit + 1;
    row = next;
  }
  return row[b.length]!;
}
