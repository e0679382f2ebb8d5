/**
 * `faultline doctor`: what this machine offers. Exit code 4 when something that a run needs is missing, 2 when it is there and was told
 * wrongly. With `--plan`: what a run would take of memory; exit code 4 when the samples do not fit at once.
 */
import type { Command } from 'commander';
import { BATCH_MOST } from '../../config/schema.js';
import { ExitCode, FaultlineError } from '../../errors.js';
import { configOf, finishDefinition, outputOf, type Options } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

/** Nobody draws more, or longer ones. */
const MOST = 1_000_000;

export function define(command: Command): void {
  command.argument('[numbers...]', 'With --plan: a model, how many samples of one prompt, its tokens, and new tokens per sample');
  addConfigFlags(command, ['--model', '--dtype', '--device', '--memory', '--problems', '--python', '--outputs', '--db']);
  command.option('--plan', 'Print what MODEL SAMPLES PROMPT-TOKENS NEW-TOKENS would take of memory, and how many samples fit at once');
  finishDefinition(command, {
    examples: [
      ['faultline doctor', 'engine, GPU, sandbox, Python, disk and data'],
      ['faultline doctor --device cuda', 'the same; a GPU that cannot be used is missing then'],
      ['faultline doctor --json', 'the same for programs'],
      ['faultline doctor --plan gpt2 100 150 128', 'memory for 100 samples of a prompt of 150 tokens, 128 new ones each'],
      ['faultline doctor --plan gpt2 512 150 128 --memory 4GiB', 'the same for a budget of your own'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'internal'],
  });
  command.action(async (args: string[], { plan, ...options }: Options) => {
    if (plan === true) {
      await printPlan(args, options);
      return;
    }
    if (args.length > 0) {
      throw new FaultlineError('usage', `doctor takes no argument, and got ${args[0]!}`, {
        hint: 'With --plan it takes a model and three numbers: --plan gpt2 100 150 128.',
      });
    }
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const { examine } = await import('../../pipeline/doctor.js');
    const report = await examine(values);
    const { renderDoctor } = await import('../doctor-text.js');
    output.result(report, () => renderDoctor(report));
    if (report.ok) return;
    // A model folder that is not there (`input`) is missing here, and no fault of a command that only looks.
    process.exitCode = report.missing.some(({ kind }) => kind === 'usage') ? ExitCode.usage : ExitCode.environment;
  });
}

async function printPlan(args: readonly string[], options: Options): Promise<void> {
  const [model, samples, promptTokens, newTokens] = args;
  if (model === undefined || newTokens === undefined || args.length > 4) {
    throw new FaultlineError('usage', `--plan takes a model and three numbers, and got ${args.length === 0 ? 'nothing' : args.join(' ')}`, {
      hint: 'Samples of one prompt, tokens of the prompt, new tokens per sample: --plan gpt2 100 150 128.',
    });
  }
  if (options['model'] !== undefined) {
    throw new FaultlineError('usage', '--plan names the model itself', { hint: 'Leave --model out.' });
  }
  const config = configOf(undefined, { ...options, model });
  const demand = {
    samples: count('samples', samples!),
    promptTokens: count('prompt tokens', promptTokens!),
    newTokens: count('new tokens', newTokens),
  };
  const [{ planMemory }, { renderPlan }] = await Promise.all([import('../../pipeline/memory-plan.js'), import('../plan-text.js')]);
  const plan = await planMemory(config, demand);
  outputOf(options).result(plan, () => renderPlan(plan));
  if (plan.fits) return;
  const bounded = plan.mostSlots === BATCH_MOST;
  const asked = config.values['model.memory'];
  const more = asked !== null && plan.budgetBytes < asked ? 'free memory: a budget is cut to what there is' : 'raise --memory';
  const reason = bounded
    ? `are more than --batch takes; the largest number is ${BATCH_MOST}, which fits`
    : `do not fit the memory budget; the largest number that does is ${plan.mostSlots}`;
  const remedy = plan.samples > BATCH_MOST ? '' : ` To fit all, ${more}.`;
  throw new FaultlineError('environment', `${plan.samples} samples at a time ${reason}`, {
    hint: `A run without --batch draws as many as fit, at most ${plan.defaultBatch}, and the others as those end.${remedy}`,
  });
}

function count(what: string, text: string): number {
  const value = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= MOST) return value;
  throw new FaultlineError('usage', `--plan: ${what}: expected an integer from 1 to ${MOST}, got ${JSON.stringify(text)}`, {
    hint: 'For example --plan gpt2 100 150 128.',
  });
}
