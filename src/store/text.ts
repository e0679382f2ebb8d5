/**
 * What SQLite's UTF-8 can hold of a JavaScript string. Hostile programs print lone surrogates; SQLite would store
 * them as U+FFFD behind our back, and a row would not equal itself when it is read again.
 */

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** `text` with each lone surrogate replaced by U+FFFD: the same string after any number of store and read. */
export function storable(text: string): string {
  return text.replace(LONE_SURROGATE, '\uFFFD');
}

export function storableOrNull(text: string | null): string | null {
  return text === null ? null : storable(text);
}
