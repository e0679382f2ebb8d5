/** How far a text can be compressed: a measure of its redundancy that knows nothing of programs. */
import { deflateSync } from 'node:zlib';

/**
 * Fixed, so that numbers can be compared; zlib's own default, as the taxonomy's rule 1.3 has it. The window and the memory are zlib's
 * largest.
 */
const OPTIONS = { level: 6, windowBits: 15, memLevel: 8 } as const;

/**
 * Bytes after compression / bytes before, of the text as UTF-8 (half a surrogate pair becomes U+FFFD). Null for an empty text. Above 1
 * for short texts: the format itself takes at least eight bytes. The same for every run of one build of Node, whose zlib may
 * choose other matches than another one's.
 */
export function zlibRatio(text: string): number | null {
  const bytes = Buffer.from(text, 'utf8');
  return bytes.length === 0 ? null : deflateSync(bytes, OPTIONS).length / bytes.length;
}
