/**
 * A prompt of so many tokens as text: Python, as the experiments' prompts are, so that end to end includes the tokenizer's work.
 */
import fs from 'node:fs';
import path from 'node:path';
import { loadTokenizer } from '../../dist/tokenizer/bpe.js';
import { ROOT } from './machine.mjs';

/**
 * The beginning of the bundled problems' prompts, one after the other.
 *
 * @param {number} length in tokens
 * @param {string} model folder whose tokenizer counts
 * @returns {Promise<{text: string, tokens: number[]}>}
 */
export async function promptOf(length, model) {
  const tokenizer = await loadTokenizer(model);
  const lines = fs
    .readFileSync(path.join(ROOT, 'data', 'problems', 'pico-tasks.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const all = tokenizer.encode(lines.map((line) => JSON.parse(line).prompt).join(''));
  const bytes = Array.from(all.slice(0, length), (token) => Buffer.from(tokenizer.tokenBytes(token)));
  const text = Buffer.concat(bytes).toString('utf8');
  const tokens = Array.from(tokenizer.encode(text));
  // A cut can leave the last word another way to be cut: then another length has to do.
  if (tokens.length !== length)
    throw new Error(`no prompt of ${length} tokens: the text comes out as ${tokens.length}; try another --prompt`);
  return { text, tokens };
}
