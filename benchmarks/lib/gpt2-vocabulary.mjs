/**
 * GPT-2's byte-level vocabulary and merges, rebuilt from the ranks that the `gpt-tokenizer` package carries: the id
 * of a token is its rank, and the merge that made a token is what byte-pair encoding with lower ranks leaves of it.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** GPT-2's printable stand-in for each byte (bytes_to_unicode of the original release). */
function byteCharacters() {
  const printable = (/** @type {number} */ byte) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let spare = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : spare++));
}

/**
 * The first `size - 1` tokens of GPT-2 and `<|endoftext|>` as the last: every cut of the merge order is a complete
 * vocabulary, so smaller models get a real one too.
 *
 * @param {number} size 257 to 50,257
 * @returns {{tokens: string[], merges: string[], endOfText: number}} tokens by id, merges in order
 */
export function gpt2Vocabulary(size) {
  const require = createRequire(import.meta.url);
  const ranksFile = path.join(path.dirname(require.resolve('gpt-tokenizer/package.json')), 'data', 'r50k_base.tiktoken');
  const lines = fs.readFileSync(ranksFile, 'utf8').trim().split('\n');
  if (size < 257 || size > lines.length + 1) throw new RangeError(`vocabulary size must be 257 to ${lines.length + 1}, got ${size}`);
  const characters = byteCharacters();
  const tokens = lines
    .slice(0, size - 1)
    .map((line) => Array.from(Buffer.from(line.split(' ')[0], 'base64'), (byte) => characters[byte]).join(''));
  const ranks = new Map(tokens.map((token, rank) => [token, rank]));
  const merges = tokens.filter((token) => token.length > 1).map((token) => partsBefore(token, ranks).join(' '));
  return { tokens: [...tokens, '<|endoftext|>'], merges, endOfText: size - 1 };
}

/** The two tokens that byte-pair encoding merges last on its way to `token`. */
function partsBefore(/** @type {string} */ token, /** @type {Map<string, number>} */ ranks) {
  const limit = /** @type {number} */ (ranks.get(token));
  const parts = Array.from(token);
  for (;;) {
    let best = -1;
    let bestRank = limit;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(parts[i] + parts[i + 1]);
      if (rank !== undefined && rank < bestRank) {
        best = i;
        bestRank = rank;
      }
    }
    if (best < 0) break;
    parts.splice(best, 2, parts[best] + parts[best + 1]);
  }
  if (parts.length !== 2) throw new Error(`token ${JSON.stringify(token)} is not made by one merge`);
  return parts;
}
