/** Builds GGUF files for tests, field by field, so that each can lie. */

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const uint64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
export const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
};

/** The format's numbers for types of values. */
export const TYPE = { u8: 0, u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9, u64: 10, i64: 11, f64: 12 };

export const entry = (key: string | Buffer, type: number, payload: Buffer): Buffer => Buffer.concat([text(key), uint32(type), payload]);
export const array = (type: number, count: number | bigint, payload: Buffer): Buffer =>
  Buffer.concat([uint32(type), uint64(count), payload]);
export const stringEntry = (key: string, value: string): Buffer => entry(key, TYPE.string, text(value));
export const numberEntry = (key: string, value: number): Buffer => entry(key, TYPE.u32, uint32(value));
export const flagEntry = (key: string, value: boolean): Buffer => entry(key, TYPE.bool, Buffer.from([Number(value)]));
export const stringsEntry = (key: string, values: readonly string[]): Buffer =>
  entry(key, TYPE.array, array(TYPE.string, values.length, Buffer.concat(values.map(text))));
export const numbersEntry = (key: string, values: readonly number[]): Buffer =>
  entry(key, TYPE.array, array(TYPE.u32, values.length, Buffer.concat(values.map(uint32))));

/** A tensor's description; dimensions as in the file, fastest first. */
export const tensor = (name: string, dimensions: readonly (number | bigint)[], type = 0, offset = 0): Buffer =>
  Buffer.concat([text(name), uint32(dimensions.length), ...dimensions.map(uint64), uint32(type), uint64(offset)]);

/** A file's beginning: all that is before the tensors' bytes. The counts say what is there, unless they are given. */
export function header(
  entries: readonly Buffer[],
  tensors: readonly Buffer[] = [],
  lies: { readonly version?: number; readonly tensorCount?: number | bigint; readonly entryCount?: number | bigint } = {},
): Buffer {
  const { version = 3, tensorCount = tensors.length, entryCount = entries.length } = lies;
  return Buffer.concat([Buffer.from('GGUF'), uint32(version), uint64(tensorCount), uint64(entryCount), ...entries, ...tensors]);
}
