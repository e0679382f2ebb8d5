/**
 * GPT-2's real vocabulary as a Hugging Face folder, rebuilt from gpt-tokenizer's r50k_base. Not a test.
 *
 * r50k_base lists the bytes of each token by id, which for GPT-2 is also the order in which merges were learned. The
 * merge that made a token is what is left of its bytes after merging with the lower-ranked tokens only: always a pair.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { spellBytes } from '../../../src/tokenizer/bytes.js';

/** The spelling of every ordinary token, by id. */
export const gpt2Spellings: readonly string[] = (ranks as readonly (string | readonly number[])[]).map((token) =>
  spellBytes(typeof token === 'string' ? Buffer.from(token, 'utf8') : Uint8Array.from(token)),
);

/** The merges in the order in which they were learned. Throws where a token is not the merge of two earlier ones. */
export function gpt2Merges(): [string, string][] {
  const rankOf = new Map(gpt2Spellings.map((spelling, id) => [spelling, id]));
  const merges: [string, string][] = [];
  gpt2Spellings.forEach((spelling, id) => {
    if (id < 256) return;
    let parts = Array.from(spelling);
    for (;;) {
      let best = -1;
      let bestRank = id;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = rankOf.get(parts[i]! + parts[i + 1]!);
        if (rank !== undefined && rank < bestRank) [best, bestRank] = [i, rank];
      }
      if (best < 0) break;
      parts = [...parts.slice(0, best), parts[best]! + parts[best + 1]!, ...parts.slice(best + 2)];
    }
    if (parts.length !== 2) throw new Error(`token ${id} does not split into two: ${JSON.stringify(parts)}`);
    merges.push([parts[0]!, parts[1]!]);
  });
  return merges;
}

/** Writes `vocab.json`, `merges.txt` and GPT-2's own tiny `tokenizer_config.json`; returns the folder. */
export function writeGpt2Folder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-gpt2-'));
  const vocab = Object.fromEntries([...gpt2Spellings, '<|endoftext|>'].map((spelling, id) => [spelling, id]));
  writeFileSync(join(folder, 'vocab.json'), JSON.stringify(vocab));
  const merges = gpt2Merges().map((pair) => pair.join(' '));
  writeFileSync(join(folder, 'merges.txt'), `#version: 0.2\n${merges.join('\n')}\n`);
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ model_max_length: 1024 }));
  return folder;
}
