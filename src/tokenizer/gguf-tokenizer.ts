/**
 * The tokenizer in a GGUF file's metadata (`tokenizer.ggml.*`), as the JSON form that the BPE implementation takes. Knows
 * GPT-2's byte-level BPE alone; encodes nothing itself.
 */
import { FaultlineError } from '../errors.js';
import { readGgufHeader, type GgufValue } from '../gguf.js';
import { GPT2_END_OF_TEXT, hashOf, pairOf, tokenizerOf, type AddedTokenJson, type Json, type TokenizerFiles } from './files.js';

const PREFIX = 'tokenizer.ggml.';
/** llama.cpp's token types. What is unused (padding) has no text; control tokens have none that a sample shows. */
const TYPE = { unknown: 2, control: 3, userDefined: 4, unused: 5 };

/** Reads a GGUF file's tokenizer. Errors are `input`, and name the file and the key. */
export async function readGgufTokenizer(file: string): Promise<TokenizerFiles> {
  const { metadata } = await readGgufHeader(file, (key) => key.startsWith(PREFIX));
  const fail = (key: string, reason: string, hint = 'Convert the model again with a current converter.'): never => {
    throw new FaultlineError('input', `${PREFIX}${key} ${reason}`, { place: { file }, hint });
  };
  const value = (key: string): GgufValue | undefined => metadata.get(PREFIX + key);
  const strings = (key: string): readonly string[] => {
    const items = value(key) ?? fail(key, 'is missing');
    if (!Array.isArray(items) || items.some((item) => typeof item !== 'string')) return fail(key, 'is not a list of strings');
    return items as readonly string[];
  };
  const flag = (key: string): boolean => {
    const given = value(key) ?? false;
    return typeof given === 'boolean' ? given : fail(key, 'is neither true nor false');
  };

  const model = value('model');
  const only = 'faultline reads byte-level BPE as GPT-2 and its relatives use it.';
  if (model !== 'gpt2') fail('model', model === undefined ? 'is missing' : `is ${shown(model)}, expected "gpt2"`, only);
  // Absent from files of before it was invented, which are all GPT-2's where the architecture is.
  const pretokenizer = value('pre') ?? 'gpt-2';
  if (pretokenizer !== 'gpt-2') fail('pre', `is ${shown(pretokenizer)}, expected "gpt-2": texts would be cut elsewhere`, only);

  const tokens = strings('tokens');
  const types = value('token_type');
  if (types !== undefined && (!Array.isArray(types) || types.length !== tokens.length))
    fail('token_type', `is not a list of one number for each of the ${tokens.length} tokens`);
  const merges = strings('merges').map(
    (merge, index) => pairOf(merge) ?? fail('merges', `[${index}] is ${shown(merge)}, expected two tokens with one space between them`),
  );

  const ids = new Map<string, number>();
  const added: AddedTokenJson[] = [];
  tokens.forEach((text, id) => {
    const type = (types as readonly GgufValue[] | undefined)?.[id];
    if (type === TYPE.unused) return;
    const first = ids.get(text);
    if (first !== undefined) fail('tokens', `has ${shown(text)} twice, as ${first} and as ${id}`);
    ids.set(text, id);
    if (type === TYPE.unknown || type === TYPE.control) added.push({ id, content: text, special: true });
    else if (type === TYPE.userDefined) added.push({ id, content: text, special: false });
  });
  const named = (key: string): string | undefined => {
    const id = value(key);
    if (id === undefined) return undefined;
    return (typeof id === 'number' ? tokens[id] : undefined) ?? fail(key, `is ${shown(id)}, outside the ${tokens.length} tokens`);
  };
  const eos = named('eos_token_id') ?? (ids.has(GPT2_END_OF_TEXT) ? GPT2_END_OF_TEXT : fail('eos_token_id', 'is missing'));
  const bos = named('bos_token_id');
  const addBos = flag('add_bos_token');
  if (addBos && bos === undefined) fail('add_bos_token', 'is true, but there is no bos_token_id');

  const config: Json = {
    eos_token: eos,
    ...(bos === undefined ? {} : { bos_token: bos }),
    add_bos_token: addBos,
    add_prefix_space: flag('add_space_prefix'),
  };
  const tokenizer = tokenizerOf(Object.fromEntries(ids), merges, config, added);
  return { tokenizer, config, vocabularyFile: file, hash: hashOf([{ name: PREFIX, text: JSON.stringify([tokenizer, config]) }]) };
}

/** A value as an error shows it: never at full length. */
function shown(value: GgufValue): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  return Array.isArray(value) ? 'a list' : String(value);
}
