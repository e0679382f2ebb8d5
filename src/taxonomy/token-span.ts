/**
 * From bytes of a completion to the tokens that hold them, exact where tokens split characters. Pure: knows no
 * tokenizer, only each token's bytes.
 *
 * The tokens of a sample spell more than its text: at a healed prompt boundary the first ones hold bytes of the prompt,
 * and under `strip` they repeat its white space. The text, in turn, has U+FFFD (three bytes) for what was no UTF-8. So
 * the tokens' bytes are decoded as the text was, the text is found at their end, and every character carries its bytes.
 */
import { FaultlineError } from '../errors.js';
import type { ByteRange } from './types.js';

/** Indices into the sample's tokens, both included. */
export interface TokenSpan {
  readonly first: number;
  readonly last: number;
}

/** One decoded character. */
interface Character {
  /** UTF-16 units and UTF-8 bytes of the text that it became. */
  readonly units: number;
  readonly textBytes: number;
  /** Bytes of the tokens that it was. */
  readonly tokenBytes: number;
}

/**
 * The first and the last token that hold a byte of `range`.
 *
 * @param tokens the bytes of every token of the sample, in order, healing ones included; special tokens are empty
 * @param rawText everything that was generated, as the sample has it; the completion is its beginning
 * @param range not empty, within the completion: UTF-8 bytes of the text
 * @throws FaultlineError kind `internal` where the tokens do not spell the text, or the range lies outside it
 */
export function tokenSpan(tokens: readonly Uint8Array[], rawText: string, range: ByteRange): TokenSpan {
  const bytes = Buffer.concat(tokens);
  const characters = [...decodedCharacters(bytes)];
  const lead = leadingUnits(bytes, rawText);

  let units = 0;
  let textByte = 0;
  let tokenByte = 0;
  let first: number | null = null;
  for (const character of characters) {
    const inText = units >= lead;
    units += character.units;
    if (inText) {
      if (first === null && textByte + character.textBytes > range.start) first = tokenByte;
      textByte += character.textBytes;
    }
    tokenByte += character.tokenBytes;
    if (first !== null && textByte >= range.end) return { first: tokenAt(tokens, first), last: tokenAt(tokens, tokenByte - 1) };
  }
  throw new FaultlineError('internal', `bytes ${range.start} to ${range.end} lie outside a completion of ${textByte} bytes`);
}

/** UTF-16 units of what the tokens spell before the text begins. */
function leadingUnits(bytes: Uint8Array, rawText: string): number {
  const spelled = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  if (!spelled.endsWith(rawText)) {
    throw new FaultlineError('internal', "a sample's tokens do not spell its text", {
      hint: 'The tokenizer is another one than the sample was generated with.',
    });
  }
  return spelled.length - rawText.length;
}

/** The token that holds a byte of all tokens' bytes in a row. */
function tokenAt(tokens: readonly Uint8Array[], byte: number): number {
  let end = 0;
  return tokens.findIndex((token) => (end += token.length) > byte);
}

/**
 * Characters as `TextDecoder` makes them (WHATWG's UTF-8 decoder): a sequence that breaks off becomes one U+FFFD, and
 * the byte that broke it is looked at again.
 */
function* decodedCharacters(bytes: Uint8Array): Generator<Character> {
  for (let at = 0; at < bytes.length;) {
    const { length, least, most } = sequenceOf(bytes[at]!);
    let taken = 1;
    while (taken < length && isContinuation(bytes[at + taken], taken === 1 ? least : 0x80, taken === 1 ? most : 0xbf)) taken++;
    at += taken;
    if (taken === length) yield { units: length === 4 ? 2 : 1, textBytes: length, tokenBytes: length };
    else yield { units: 1, textBytes: 3, tokenBytes: taken };
  }
}

/** By its first byte: how long a character is (0: no character begins so), and what its second byte may be. */
function sequenceOf(first: number): { length: number; least: number; most: number } {
  const of = (length: number, least = 0x80, most = 0xbf): { length: number; least: number; most: number } => ({ length, least, most });
  if (first <= 0x7f) return of(1);
  if (first >= 0xc2 && first <= 0xdf) return of(2);
  // Overlong forms, surrogates and what lies beyond U+10FFFF are refused at the second byte.
  if (first === 0xe0) return of(3, 0xa0);
  if (first === 0xed) return of(3, 0x80, 0x9f);
  if (first >= 0xe1 && first <= 0xef) return of(3);
  if (first === 0xf0) return of(4, 0x90);
  if (first >= 0xf1 && first <= 0xf3) return of(4);
  if (first === 0xf4) return of(4, 0x80, 0x8f);
  return of(0);
}

function isContinuation(byte: number | undefined, least: number, most: number): boolean {
  return byte !== undefined && byte >= least && byte <= most;
}
