/**
 * GPT-2's map between bytes and printable characters, in which byte-level vocabularies spell their tokens.
 * Not a tokenizer: it knows neither merges nor special tokens.
 *
 * Bytes that are printable in Latin-1 stand for themselves; the other 68 become the characters from U+0100 on, in
 * order. That keeps every token readable in a JSON file and free of white space (space is `Ġ`, newline is `Ċ`).
 */

const characterOfByte: readonly string[] = (() => {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();

const byteOfCharacter: ReadonlyMap<string, number> = new Map(characterOfByte.map((character, byte) => [character, byte]));

/** Spells bytes as a vocabulary does. */
export function spellBytes(bytes: Uint8Array): string {
  let spelling = '';
  for (const byte of bytes) spelling += characterOfByte[byte]!;
  return spelling;
}

/** The bytes that a vocabulary's spelling stands for; null if a character of it stands for no byte. */
export function bytesOfSpelling(spelling: string): Uint8Array | null {
  const bytes = new Uint8Array(spelling.length);
  let length = 0;
  for (const character of spelling) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) return null;
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}
