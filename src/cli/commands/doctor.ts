/** `faultline doctor`: what this machine offers. Exit code 4 when something that a run needs is missing. */
import type { Command } from 'commander';
import { ExitCode } from '../../errors.js';
import { configOf, finishDefinition, outputOf, type Options } from '../command.js';
import { addConfigFlags } from '../config-flags.js';

export function define(command: Command): void {
  addConfigFlags(command, ['--model', '--device', '--problems', '--python', '--outputs', '--db']);
  finishDefinition(command, {
    examples: [
      ['faultline doctor', 'engine, GPU, sandbox, Python, disk and data'],
      ['faultline doctor --device cuda', 'the same; a GPU that cannot be used is missing then'],
      ['faultline doctor --json', 'the same for programs'],
    ],
    exitCodes: ['ok', 'usage', 'environment', 'internal'],
  });
  command.action(async (options: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const { examine } = await import('../../pipeline/doctor.js');
    const report = await examine(values);
    const { renderDoctor } = await import('../doctor-text.js');
    output.result(report, () => renderDoctor(report));
    if (!report.ok) process.exitCode = ExitCode.environment;
  });
}
