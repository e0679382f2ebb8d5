/** A byte tokenizer with a few merged tokens, and an engine that records what it is asked and plays back. Not tests. */
import type { ActivationArray, EngineInfo, GroupRequest, RunPlan, SampleTokens } from '../../../src/engine/types.js';
import type { TokenEngine } from '../../../src/decoding/model.js';
import type { Tokenizer } from '../../../src/tokenizer/types.js';

/** Tokens 0 to 255 are bytes, then the merges (greedily longest first), then end-of-text. */
export function byteTokenizer(options: { merges?: readonly string[]; addBos?: boolean; separateBos?: boolean } = {}): Tokenizer {
  const merges = (options.merges ?? []).map((text) => Buffer.from(text, 'utf8'));
  const spelled = [...Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)), ...merges, Buffer.alloc(0)];
  if (options.separateBos === true) spelled.push(Buffer.alloc(0));
  const eosToken = 256 + merges.length;
  const bosToken = options.separateBos === true ? eosToken + 1 : eosToken;
  const encode = (text: string): Int32Array => {
    const bytes = Buffer.from(text, 'utf8');
    const tokens: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const best = merges
        .map((merge, index) => ({ merge, token: 256 + index }))
        .filter(({ merge }) => bytes.subarray(at, at + merge.length).equals(merge))
        .sort((a, b) => b.merge.length - a.merge.length)[0];
      tokens.push(best?.token ?? bytes[at]!);
      at += best?.merge.length ?? 1;
    }
    return Int32Array.from(tokens);
  };
  const offsets = new Uint32Array(spelled.length + 1);
  spelled.forEach((bytes, token) => (offsets[token + 1] = offsets[token]! + bytes.length));
  return {
    vocabularySize: spelled.length,
    eosToken,
    bosToken,
    hash: 'test',
    encode,
    encodePrompt: (text) => (options.addBos === true ? Int32Array.from([bosToken, ...encode(text)]) : encode(text)),
    tokenBytes: (token) => spelled[token]!,
    vocabulary: () => ({ bytes: Buffer.concat(spelled), offsets, eosToken }),
  };
}

/** Answers every sample of every group with what `answer` says, in reverse order; keeps the groups it was given. */
export class FakeEngine implements TokenEngine {
  readonly info = { vocabularySize: 512 } as EngineInfo;
  asked: readonly GroupRequest[] = [];
  checked: readonly GroupRequest[] = [];
  options: { batch?: number; signal?: AbortSignal } = {};
  readonly plan: RunPlan = { weightBytes: 3 * 2 ** 30, budgetBytes: 2 ** 30, plannedBytes: 5 * 2 ** 20, slots: 8 };
  read: Int32Array | null = null;
  disposed = 0;

  constructor(private readonly answer: (group: GroupRequest, sampleIndex: number) => Partial<SampleTokens> & { bytes: Uint8Array }) {}

  async *generate(groups: readonly GroupRequest[], options: { batch?: number; signal?: AbortSignal }): AsyncGenerator<SampleTokens> {
    this.asked = groups;
    this.options = options;
    for (let group = groups.length - 1; group >= 0; group--) {
      for (const sampleIndex of [...groups[group]!.sampleIndices].reverse()) {
        await Promise.resolve();
        options.signal?.throwIfAborted();
        const answer = this.answer(groups[group]!, sampleIndex);
        yield {
          group,
          sampleIndex,
          tokens: Int32Array.from(answer.bytes),
          logprobs: new Float32Array(answer.bytes.length),
          entropies: new Float32Array(answer.bytes.length),
          eosLogprob: NaN,
          finishReason: 'function',
          cut: answer.bytes.length,
          error: null,
          ...answer,
        };
      }
    }
  }

  check(groups: readonly GroupRequest[], options: { batch?: number; signal?: AbortSignal }): Promise<RunPlan> {
    this.checked = groups;
    this.options = options;
    return Promise.resolve(this.plan);
  }

  activations(tokens: Int32Array): Promise<Map<string, ActivationArray>> {
    this.read = tokens;
    return Promise.resolve(new Map<string, ActivationArray>());
  }

  hookPoints(): [] {
    return [];
  }

  dispose(): Promise<void> {
    this.disposed++;
    return Promise.resolve();
  }
}
