/** `faultline activations`: hook points of the forward pass to a safetensors file. */
import type { Command } from 'commander';
import { FaultlineError } from '../../errors.js';
import { configOf, finishDefinition, outputOf, withInterrupt, type Options } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

export function define(command: Command): void {
  addConfigFlags(command, ['--model', '--dtype', '--device', '--memory', '--threads']);
  command
    .option('--tokens <ids>', 'Token ids, separated by commas; needs no tokenizer')
    .option('--text <text>', "Text, through the model's tokenizer")
    .requiredOption('--hooks <names>', 'Hook points, separated by commas, such as logits,blocks.0.hook_resid_post')
    .requiredOption('--out <file>', 'safetensors file to write: exactly these tensors, under these names');
  finishDefinition(command, {
    examples: [
      ['faultline activations --tokens 1,2,3 --hooks logits,blocks.0.hook_resid_post --out x.safetensors', 'two hook points'],
      ['faultline activations --model gpt2 --text "def add(a, b):" --hooks blocks.5.attn.hook_pattern --out a.safetensors', 'from text'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'interrupted', 'internal'],
  });
  command.action(async (options: Options) => {
    const config = configOf(undefined, options);
    const output = outputOf(options);
    const out = String(options['out']);
    const tokens = options['tokens'] === undefined ? null : tokenList(String(options['tokens']));
    const text = options['text'] === undefined ? null : String(options['text']);
    if ((tokens === null) === (text === null)) {
      throw new FaultlineError('usage', 'exactly one of --tokens and --text is needed', { hint: 'For example: --tokens 1,2,3' });
    }
    const hooks = String(options['hooks'])
      .split(',')
      .map((name) => name.trim());
    const { writeActivations } = await import('../../pipeline/activations.js');
    const result = await withInterrupt((context) => writeActivations(config, { ...context, tokens, text, hooks, out }));
    output.result(result, () => `${result.tensors.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join('\n')}\nin ${out}`);
  });
}

/** `1,2,3` as numbers; whether the model has them is the engine's to say. */
function tokenList(text: string): number[] {
  return text.split(',').map((part) => {
    const trimmed = part.trim();
    if (!/^\d{1,10}$/.test(trimmed) || Number(trimmed) > 2 ** 31 - 1) {
      throw new FaultlineError('usage', `--tokens: expected token ids separated by commas, got ${JSON.stringify(trimmed)}`, {
        hint: 'For example: --tokens 1,2,3',
      });
    }
    return Number(trimmed);
  });
}
