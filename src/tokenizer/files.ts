/**
 * Reads a model folder's tokenizer files into the one JSON form that the BPE implementation takes. Knows the two
 * layouts that GPT-2-family checkpoints use; encodes nothing itself. GGUF files: `gguf-tokenizer.ts`.
 *
 *   tokenizer.json [+ tokenizer_config.json]                the fast tokenizers' single file
 *   vocab.json + merges.txt [+ tokenizer_config.json]       GPT-2's original pair, turned into the same JSON in memory
 */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultlineError, reasonOf } from '../errors.js';

/** Any JSON object, before its fields have been looked at. */
export type Json = Readonly<Record<string, unknown>>;

export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

export interface TokenizerFiles {
  /** `tokenizer.json`'s content, or its equivalent. */
  readonly tokenizer: Json;
  /** `tokenizer_config.json`'s content; empty when there is no such file, as in GPT-2's own early uploads. */
  readonly config: Json;
  /** The file that vocabulary errors are about. */
  readonly vocabularyFile: string;
  /** SHA-256 over names and contents of the files that were read, in hexadecimal. */
  readonly hash: string;
}

/** GPT-2's only special token; what `tokenizer_config.json` means when it names none. */
export const GPT2_END_OF_TEXT = '<|endoftext|>';

/**
 * Reads the tokenizer of a model folder. Errors are `input` and name the folder or the file: no folder, no tokenizer
 * in it, broken JSON, a merges line that is not a pair.
 */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  await requireFolder(folder);
  const read: { name: string; text: string }[] = [];
  const load = async (name: string): Promise<string | null> => {
    const text = await readOptional(join(folder, name));
    if (text !== null) read.push({ name, text });
    return text;
  };

  const configText = await load('tokenizer_config.json');
  const config = configText === null ? {} : parseObject(configText, join(folder, 'tokenizer_config.json'));
  const single = await load('tokenizer.json');
  if (single !== null) {
    const vocabularyFile = join(folder, 'tokenizer.json');
    return { tokenizer: parseObject(single, vocabularyFile), config, vocabularyFile, hash: hashOf(read) };
  }

  const vocabulary = await load('vocab.json');
  const merges = await load('merges.txt');
  if (vocabulary === null || merges === null) {
    const missing =
      vocabulary === null
        ? merges === null
          ? ''
          : ' (merges.txt is there, vocab.json is not)'
        : ' (vocab.json is there, merges.txt is not)';
    throw new FaultlineError('input', `no tokenizer in this folder: expected tokenizer.json, or vocab.json and merges.txt${missing}`, {
      place: { file: folder },
      hint: "Copy the tokenizer's files from where the model came from into this folder; `faultline activations --tokens` works without them.",
    });
  }
  const vocabularyFile = join(folder, 'vocab.json');
  const vocab = parseObject(vocabulary, vocabularyFile);
  const tokenizer = tokenizerOf(vocab, parseMerges(merges, join(folder, 'merges.txt')), config);
  return { tokenizer, config, vocabularyFile, hash: hashOf(read) };
}

/** The text of a special token's entry: a string, or an object with `content` (both are in use); null if absent. */
export function specialTokenText(config: Json, name: string): string | null {
  const entry = config[name];
  if (typeof entry === 'string') return entry;
  if (isObject(entry) && typeof entry['content'] === 'string') return entry['content'];
  return null;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The `tokenizer.json` that transformers would make from `vocab.json` and `merges.txt`. `others`: added tokens beside those
 * that the config names.
 */
export function tokenizerOf(
  vocab: Json,
  merges: readonly (readonly [string, string])[],
  config: Json,
  others: readonly AddedTokenJson[] = [],
): Json {
  const special = new Set(
    ['bos_token', 'eos_token', 'unk_token', 'pad_token'].map(
      (name) => specialTokenText(config, name) ?? (name === 'eos_token' ? GPT2_END_OF_TEXT : null),
    ),
  );
  const added = others.filter(({ content }) => !special.has(content));
  for (const content of special) {
    const id = content === null ? undefined : vocab[content];
    if (typeof id === 'number') added.push({ id, content: content!, special: true });
  }
  return {
    version: '1.0',
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: config['add_prefix_space'] === true, trim_offsets: true, use_regex: true },
    post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, vocab, merges },
  };
}

/** GPT-2's `merges.txt`: an optional `#version` line, then one pair a line. */
function parseMerges(text: string, file: string): [string, string][] {
  const pairs: [string, string][] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    // `#version` can only stand first: `#` is also an ordinary byte, and a merge may begin with it.
    if (line === '' || (index === 0 && line.startsWith('#version'))) return;
    const pair = pairOf(line);
    if (pair === null) {
      throw new FaultlineError('input', `a merge is two tokens with one space between them, this line is ${JSON.stringify(line)}`, {
        place: { file, line: index + 1 },
        hint: 'Fetch the file again: it looks damaged.',
      });
    }
    pairs.push(pair);
  });
  return pairs;
}

/** The two tokens of a merge; null where it is not two with one space between them. */
export function pairOf(merge: string): [string, string] | null {
  const [left = '', right = '', ...more] = merge.split(' ');
  return left === '' || right === '' || more.length > 0 ? null : [left, right];
}

function parseObject(text: string, file: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FaultlineError('input', `not valid JSON: ${reasonOf(error)}`, {
      place: { file },
      hint: 'Fetch the file again: it looks damaged.',
      cause: error,
    });
  }
  if (!isObject(value))
    throw new FaultlineError('input', 'expected a JSON object', { place: { file }, hint: 'Fetch the file again: it looks damaged.' });
  return value;
}

async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory()) return;
  throw new FaultlineError('input', found === null ? 'no such folder' : 'not a folder', {
    place: { file: folder },
    hint: 'Give a GGUF file, or a model folder in the Hugging Face layout: config.json, model.safetensors and the tokenizer files.',
  });
}

async function readOptional(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new FaultlineError('input', `cannot be read: ${reasonOf(error)}`, { place: { file }, cause: error });
  }
}

/** Lengths go in before the contents, so that no two different sets of files hash alike. */
export function hashOf(files: readonly { name: string; text: string }[]): string {
  const hash = createHash('sha256');
  for (const { name, text } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const bytes = Buffer.from(text, 'utf8');
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}
