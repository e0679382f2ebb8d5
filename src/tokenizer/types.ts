/** Text to tokens and back, as the rest of the program sees it. The implementation is `bpe.ts`. */
export interface Tokenizer {
  readonly vocabularySize: number;
  readonly eosToken: number;
  readonly bosToken: number | null;
  /** SHA-256 over the tokenizer's files, in hexadecimal. */
  readonly hash: string;
  /** Tokens of a text, with the special tokens that `tokenizer_config.json` asks for (`add_bos_token`). */
  encodePrompt(text: string): Int32Array;
  /** Tokens of a text, without special tokens. */
  encode(text: string): Int32Array;
  /** Bytes of one token; empty for special tokens. */
  tokenBytes(token: number): Uint8Array;
  /** All tokens' bytes in one array: token i is `bytes.subarray(offsets[i], offsets[i + 1])`. */
  vocabulary(): { readonly bytes: Uint8Array; readonly offsets: Uint32Array; readonly eosToken: number };
}
