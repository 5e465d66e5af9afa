declare module 'naughty-words' {
  type Language =
    'en' | 'de' | 'es' | 'fr' | 'it' | 'nl' | 'pl' | 'pt' | 'tr' | 'sv' | 'da' | 'no' | 'fi' | 'cs' | 'hu';
  /** Shutterstock's List of Dirty, Naughty, Obscene and Otherwise Bad Words, by language. */
  const words: Record<Language, string[]>;
  export default words;
}
