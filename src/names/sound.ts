/** How a name sounds, from its letters alone. */

const vowels = /[aeiouy]/;
const hardClusters = /[bcdfghjklmnpqrstvwxz]{5,}|([^aeiouy\d-])\1{2}|[jqvx][bcdfgjkmpqtvxz]|[aeiou]{4,}/;

/** Whether a speaker of English can say the text at sight: vowels where they are needed, no long consonant piles. */
export function isPronounceable(text: string): boolean {
  const letters = text.replace(/[^a-z]/g, '');
  if (letters.length === 0) return false;
  const vowelShare = [...letters].filter((letter) => vowels.test(letter)).length / letters.length;
  return vowelShare >= 0.2 && vowelShare <= 0.75 && !hardClusters.test(letters);
}

/** The consonants a word begins with, spelled by sound ("ph" as "f", "kn" as "n", soft "c" as "s"); a vowel stands for itself. */
export function onset(word: string): string {
  const spelled = word
    .replace(/^ph/, 'f')
    .replace(/^(kn|gn)/, 'n')
    .replace(/^wr/, 'r')
    .replace(/^c(?=[eiy])/, 's')
    .replace(/^(c|q|k)(?!h)/, 'k');
  return /^(ch|sh|th)/.test(spelled) ? spelled.slice(0, 2) : spelled.slice(0, 1);
}

/** Whether two words begin with one sound: "pantry plan", "comb king". */
export function alliterates(a: string, b: string): boolean {
  return onset(a) === onset(b);
}

/** Whether two words end alike from their last vowel on: "bark park", "brew crew". */
export function rhymes(a: string, b: string): boolean {
  const ending = (word: string) => /[aeiouy]+[^aeiouy]*e?$/.exec(word)?.[0] ?? '';
  return a !== b && ending(a).length >= 2 && ending(a) === ending(b);
}
