/**
 * Byte-level BPE over `@huggingface/tokenizers`. This file checks what it loads, adds the special tokens that
 * `tokenizer_config.json` asks for, and knows every token's bytes; the merging itself is the library's.
 *
 * It does not decode: tokens become text through their bytes, because one character may span several tokens.
 */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { FaultlineError, reasonOf } from '../errors.js';
import { ggufFileOf } from '../gguf.js';
import { bytesOfSpelling, spellBytes } from './bytes.js';
import {
  GPT2_END_OF_TEXT,
  isObject,
  readTokenizerFiles,
  specialTokenText,
  type AddedTokenJson,
  type Json,
  type TokenizerFiles,
} from './files.js';
import { readGgufTokenizer } from './gguf-tokenizer.js';
import type { Tokenizer } from './types.js';

/**
 * GPT-2's pre-tokenization. White space is spelled out because JavaScript's `\s` holds U+FEFF and lacks U+0085, while
 * the tokenizers that models were trained with follow Unicode's White_Space, where it is the other way round.
 */
const WHITE_SPACE = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const GPT2_PATTERN = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${WHITE_SPACE}\\p{L}\\p{N}]+|[${WHITE_SPACE}]+(?![^${WHITE_SPACE}])|[${WHITE_SPACE}]+`,
  'gu',
);

/** What is used of the library. Its own declarations do not resolve under NodeNext (imports without extensions). */
interface Library {
  readonly pre_tokenizer: PreTokenizer | null;
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: readonly number[] };
}
/** A `ByteLevel` has `pattern` and `add_prefix_space`, a `Sequence` has `tokenizers`. */
interface PreTokenizer {
  pattern?: RegExp;
  add_prefix_space?: boolean;
  readonly byte_encoder?: unknown;
  readonly tokenizers?: readonly (PreTokenizer | null)[];
}

/** A vocabulary larger than this is a lie in the file, not a tokenizer: ids index arrays here and rows in the engine. */
const VOCABULARY_MAX = 1 << 22;

/**
 * Loads the tokenizer of a model folder (layouts: `files.ts`) or GGUF file (`gguf-tokenizer.ts`).
 *
 * Errors are of kind `input` and name the folder or file: nothing there, broken JSON, not byte-level BPE, ids that
 * clash, no end-of-text token.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const gguf = ggufFileOf(folder);
  return new BpeTokenizer(gguf === null ? await readTokenizerFiles(folder) : await readGgufTokenizer(gguf));
}

class BpeTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly eosToken: number;
  readonly bosToken: number | null;
  readonly hash: string;
  readonly #library: Library;
  /** `add_bos_token`; null where the config is silent and `tokenizer.json`'s own template decides. */
  readonly #addBos: boolean | null;
  readonly #bytes: Uint8Array;
  readonly #offsets: Uint32Array;

  constructor(files: TokenizerFiles) {
    const { vocab, added } = checkedVocabulary(files);
    const idOf = (text: string): number | undefined => added.find((token) => token.content === text)?.id ?? vocab.get(text);

    const eosText = specialTokenText(files.config, 'eos_token') ?? GPT2_END_OF_TEXT;
    const eos = idOf(eosText);
    if (eos === undefined) {
      throw new FaultlineError('input', `the end-of-text token ${JSON.stringify(eosText)} is not in the vocabulary`, {
        place: { file: files.vocabularyFile },
        hint: 'Name the right one as `eos_token` in tokenizer_config.json.',
      });
    }
    const bosText = specialTokenText(files.config, 'bos_token');
    const bos = bosText === null ? undefined : idOf(bosText);
    const addBos = files.config['add_bos_token'];
    if (addBos === true && bos === undefined) {
      throw new FaultlineError(
        'input',
        `tokenizer_config.json asks for add_bos_token, but its bos_token ${JSON.stringify(bosText)} is not in the vocabulary`,
        {
          place: { file: files.vocabularyFile },
          hint: 'Name the right one as `bos_token` in tokenizer_config.json, or switch `add_bos_token` off.',
        },
      );
    }
    const special = new Set(added.filter((token) => token.special).map((token) => token.id));
    special.add(eos);
    if (bos !== undefined) special.add(bos);

    this.eosToken = eos;
    this.bosToken = bos ?? null;
    this.#addBos = typeof addBos === 'boolean' ? addBos : null;
    this.hash = files.hash;
    this.#library = openLibrary(files);

    const spelled = new Map<number, Uint8Array>();
    for (const [spelling, id] of vocab) spelled.set(id, bytesOfSpelling(spelling) ?? new Uint8Array());
    // Added tokens stand for their text as it is, not for a spelling of it: "<|indent|>" or a run of spaces.
    for (const token of added) spelled.set(token.id, Buffer.from(token.content, 'utf8'));
    for (const id of special) spelled.set(id, new Uint8Array());
    let size = 0;
    for (const id of spelled.keys()) size = Math.max(size, id + 1);
    this.vocabularySize = size;
    ({ bytes: this.#bytes, offsets: this.#offsets } = concatenate(spelled, size));
  }

  encode(text: string): Int32Array {
    return Int32Array.from(this.#library.encode(text, { add_special_tokens: false }).ids);
  }

  encodePrompt(text: string): Int32Array {
    if (this.#addBos === null) return Int32Array.from(this.#library.encode(text, { add_special_tokens: true }).ids);
    const tokens = this.encode(text);
    return this.#addBos ? Int32Array.from([this.bosToken!, ...tokens]) : tokens;
  }

  tokenBytes(token: number): Uint8Array {
    if (!Number.isInteger(token) || token < 0 || token >= this.vocabularySize) {
      throw new FaultlineError('usage', `token ${token} is outside the vocabulary of ${this.vocabularySize} tokens`, {
        hint: `Tokens are whole numbers from 0 to ${this.vocabularySize - 1}.`,
      });
    }
    return this.#bytes.subarray(this.#offsets[token], this.#offsets[token + 1]);
  }

  vocabulary(): { readonly bytes: Uint8Array; readonly offsets: Uint32Array; readonly eosToken: number } {
    return { bytes: this.#bytes, offsets: this.#offsets, eosToken: this.eosToken };
  }
}

/** Looks at everything in the JSON that the rest relies on, so that a damaged file is an error and not a wrong token. */
function checkedVocabulary(files: TokenizerFiles): { vocab: Map<string, number>; added: AddedTokenJson[] } {
  const fail = (reason: string): never => {
    throw new FaultlineError('input', reason, {
      place: { file: files.vocabularyFile },
      hint: 'faultline reads byte-level BPE as GPT-2 and its relatives use it; fetch the file again if it should be one.',
    });
  };
  const model = files.tokenizer['model'];
  // Early exports leave `type` out; a BPE model is then known by its merges.
  const merges = isObject(model) ? model['merges'] : undefined;
  if (!isObject(model) || (model['type'] ?? 'BPE') !== 'BPE' || !Array.isArray(merges))
    return fail('not a byte-pair-encoding tokenizer (model.type "BPE" with merges)');
  if (!pretokenizersOf(files.tokenizer['pre_tokenizer']).some((entry) => entry['type'] === 'ByteLevel'))
    return fail('not byte-level: pre_tokenizer has no ByteLevel entry');
  if (!isObject(model['vocab'])) return fail('model.vocab is missing or not an object');

  const added = (files.tokenizer['added_tokens'] ?? []) as unknown;
  if (!Array.isArray(added)) return fail('added_tokens is not a list');
  const addedTokens = added.map((entry: unknown, index): AddedTokenJson => {
    if (!isObject(entry) || typeof entry['content'] !== 'string' || !isTokenId(entry['id']))
      return fail(`added_tokens[${index}] lacks a usable content or id`);
    return { id: entry['id'], content: entry['content'], special: entry['special'] === true };
  });

  const addedTexts = new Set(addedTokens.map((token) => token.content));
  const vocab = new Map<string, number>();
  const holder = new Map<number, string>();
  for (const [spelling, id] of Object.entries(model['vocab'])) {
    if (!isTokenId(id))
      return fail(
        `the id of token ${JSON.stringify(spelling)} is ${JSON.stringify(id)}, expected a whole number from 0 to ${VOCABULARY_MAX - 1}`,
      );
    const clash = holder.get(id);
    if (clash !== undefined) return fail(`tokens ${JSON.stringify(clash)} and ${JSON.stringify(spelling)} have the same id ${id}`);
    if (!addedTexts.has(spelling) && bytesOfSpelling(spelling) === null)
      return fail(`token ${JSON.stringify(spelling)} (id ${id}) is not spelled in byte-level characters`);
    holder.set(id, spelling);
    vocab.set(spelling, id);
  }
  for (const token of addedTokens) {
    const clash = holder.get(token.id);
    if (clash !== undefined && clash !== token.content)
      return fail(`added token ${JSON.stringify(token.content)} and token ${JSON.stringify(clash)} have the same id ${token.id}`);
  }
  // The library drops what it has no token for without a word; with all 256 bytes there, it always has one.
  for (let byte = 0; byte < 256; byte++) {
    if (!vocab.has(spellBytes(Uint8Array.of(byte))))
      return fail(`the vocabulary has no token for byte 0x${byte.toString(16).padStart(2, '0')}, so it cannot spell every text`);
  }
  return { vocab, added: addedTokens };
}

/** The pre-tokenizers of a possibly nested `Sequence`, flat. */
function pretokenizersOf(entry: unknown): Json[] {
  if (!isObject(entry)) return [];
  return entry['type'] === 'Sequence' && Array.isArray(entry['pretokenizers']) ? entry['pretokenizers'].flatMap(pretokenizersOf) : [entry];
}

function openLibrary(files: TokenizerFiles): Library {
  // The library insists on every key being there and on `type`; files in the wild leave null ones out.
  const complete = {
    normalizer: null,
    post_processor: null,
    decoder: null,
    added_tokens: [],
    ...files.tokenizer,
    model: { type: 'BPE', ...(files.tokenizer['model'] as Json) },
  };
  const Constructor = HuggingFaceTokenizer as unknown as new (tokenizer: Json, config: Json) => Library;
  try {
    const library = new Constructor(complete, files.config);
    adjust(library.pre_tokenizer, files.config);
    return library;
  } catch (error) {
    throw new FaultlineError('input', `the tokenizer library refuses this file: ${reasonOf(error)}`, {
      place: { file: files.vocabularyFile },
      cause: error,
    });
  }
}

/** Brings byte-level pre-tokenizers in line with the Python ones: the same white space, `add_prefix_space` as configured. */
function adjust(pretokenizer: PreTokenizer | null, config: Json): void {
  pretokenizer?.tokenizers?.forEach((inner) => {
    adjust(inner, config);
  });
  if (pretokenizer?.byte_encoder === undefined) return; // not a ByteLevel
  pretokenizer.pattern = GPT2_PATTERN;
  if (typeof config['add_prefix_space'] === 'boolean') pretokenizer.add_prefix_space = config['add_prefix_space'];
}

function concatenate(spelled: ReadonlyMap<number, Uint8Array>, size: number): { bytes: Uint8Array; offsets: Uint32Array } {
  const offsets = new Uint32Array(size + 1);
  for (let id = 0; id < size; id++) offsets[id + 1] = offsets[id]! + (spelled.get(id)?.length ?? 0);
  const bytes = new Uint8Array(offsets[size]!);
  for (const [id, value] of spelled) bytes.set(value, offsets[id]);
  return { bytes, offsets };
}

function isTokenId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < VOCABULARY_MAX;
}
