declare module 'unhomoglyph' {
  /** Replaces each character by the one that it can be confused with (Unicode confusables). */
  export default function unhomoglyph(text: string): string;
}
