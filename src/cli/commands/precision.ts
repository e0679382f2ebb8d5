/** `faultline precision`: what a narrower dtype changes, in figures. */
import type { Command } from 'commander';
import type { NarrowDType } from '../../pipeline/precision-limits.js';
import type { PrecisionResult } from '../../pipeline/precision.js';
import { FaultlineError } from '../../errors.js';
import { configOf, finishDefinition, outputOf, withInterrupt, type Options } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

const NARROW: readonly NarrowDType[] = ['bfloat16', 'int8'];

export function define(command: Command): void {
  addConfigFlags(command, ['--model', '--device', '--memory', '--threads']);
  command
    .option('--dtype <dtype>', `What to compare with float32: ${NARROW.join(', ')}`, NARROW[0])
    .option('--texts <file>', 'JSONL file with a field text (default: the bundled held-out.jsonl)')
    .option('--count <n>', 'Read the first n texts (default: all)')
    .option('--tokens-most <n>', 'Cut longer texts to n tokens', '256');
  finishDefinition(command, {
    examples: [
      ['faultline precision', 'bfloat16 against float32, the bundled model and texts'],
      ['faultline precision --dtype int8', 'int8 against float32'],
      ['faultline precision --model gpt2 --texts texts.jsonl --count 50', 'another model, texts of your own'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'interrupted', 'internal'],
  });
  command.action(async (options: Options) => {
    // `--dtype` is this command's own: float32 is always the other side.
    const { dtype: given, ...others } = options;
    const dtype = NARROW.find((name) => name === given);
    if (dtype === undefined) {
      throw new FaultlineError('usage', `--dtype: expected ${NARROW.join(', ')}, got ${String(given)}`, {
        hint: 'float32 is what it is compared with.',
      });
    }
    const count = options['count'] === undefined ? null : positive('--count', String(options['count']));
    const tokensMost = positive('--tokens-most', String(options['tokensMost']));
    const texts = options['texts'] === undefined ? null : String(options['texts']);
    const config = configOf(undefined, others);
    const output = outputOf(options);
    const { measurePrecision } = await import('../../pipeline/precision.js');
    const result = await withInterrupt((context) => measurePrecision(config, { ...context, dtype, texts, count, tokensMost }));
    output.result(result, () => text(result));
  });
}

function positive(flag: string, given: string): number {
  if (!/^[1-9]\d{0,8}$/.test(given)) throw new FaultlineError('usage', `${flag}: expected a whole number of at least 1, got ${given}`);
  return Number(given);
}

function text(result: PrecisionResult): string {
  const { limits } = result;
  const change = result.perplexity / result.perplexityFloat32 - 1;
  const rows = [
    ['largest logit error', result.logitError.toExponential(2), `of the largest logit; at most ${limits.logitError.toExponential()}`],
    [
      'logit error, 99.9 %',
      result.logitErrorP999.toExponential(2),
      `of the largest logit; at most ${limits.logitErrorP999.toExponential()}`,
    ],
    ['mean divergence', result.meanDivergence.toExponential(2), `nats per token; at most ${limits.meanDivergence.toExponential()}`],
    ['largest divergence', result.largestDivergence.toExponential(2), 'nats'],
    ['same most likely token', `${(100 * result.sameTop).toFixed(2)} %`, ''],
    ['perplexity in float32', result.perplexityFloat32.toFixed(4), ''],
    [
      'perplexity',
      result.perplexity.toFixed(4),
      `${(100 * change).toFixed(3)} % from that; at most ${(100 * limits.perplexityChange).toPrecision(2)} % up or down`,
    ],
  ];
  return [
    `${result.dtype} (${result.kernelFamily} on ${result.isa}) against float32: ${result.texts} texts, ${result.tokens} tokens`,
    ...rows.map(([what, figure, limit]) => `  ${what!.padEnd(24)} ${figure!.padStart(10)}   ${limit!}`.trimEnd()),
    `${result.withinLimits ? 'within' : 'NOT within'} the limits, which are those of the bundled model over all of its texts`,
  ].join('\n');
}
