/** `faultline model`: models by name. */
import type { Command } from 'commander';
import { addHelp, finishDefinition, outputOf, withInterrupt, type Options } from '../command.js';

export function define(command: Command): void {
  addHelp(command, {
    examples: [
      ['faultline model list', 'which there are'],
      ['faultline model fetch gpt2', 'GPT-2, from the Hugging Face hub'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'interrupted', 'internal'],
  });
  const fetch = command
    .command('fetch')
    .summary('Download a model from the Hugging Face hub, with checksums and resume, or take a folder that is already here')
    .description('Download a model from the Hugging Face hub, with checksums and resume, or take a folder that is already here')
    .argument('<model>', 'gpt2, gpt2-medium, distilgpt2, codeparrot/codeparrot-small, any id of the hub, or a folder');
  finishDefinition(fetch, {
    examples: [
      ['faultline model fetch gpt2', 'GPT-2, 124 million parameters'],
      ['faultline model fetch codeparrot/codeparrot-small', 'a GPT-2 trained on Python'],
      ['faultline model fetch ~/models/mine', 'a folder that is already here: checked, and linked under its name'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'interrupted', 'internal'],
  });
  fetch.action(async (name: string, options: Options) => {
    const output = outputOf(options);
    const { fetchModel } = await import('../../datasets/fetch-model.js');
    const result = await withInterrupt(({ signal, progress }) => {
      const transfers = new Map<string, ReturnType<typeof progress.transfer>>();
      return fetchModel(name, {
        signal,
        onProgress: ({ file, receivedBytes, totalBytes }) => {
          const transfer = transfers.get(file) ?? progress.transfer(file);
          transfers.set(file, transfer);
          transfer.at(receivedBytes, totalBytes);
        },
      });
    });
    output.result(result, () => `${name}: ${result.how}, in ${result.folder}\nuse it with: --model ${result.name}`);
  });

  const list = command
    .command('list')
    .summary('List the models and which of them are here')
    .description('List the models and which of them are here');
  finishDefinition(list, { examples: [['faultline model list', 'names and places']], exitCodes: ['ok', 'usage', 'internal'] });
  list.action(async (options: Options) => {
    const output = outputOf(options);
    const { listModels } = await import('../../pipeline/catalogue.js');
    const rows = listModels();
    output.result(rows, () =>
      rows
        .map(
          ({ name, summary, folder, present }) =>
            `${name.padEnd(28)} ${summary}\n${''.padEnd(29)}${present ? folder : missing(name, folder)}`,
        )
        .join('\n'),
    );
  });
}

/** What to do about a model that is not there: a link of one's own has lost its folder, which no network brings back. */
function missing(name: string, folder: string): string {
  return name.startsWith('local/') ? `gone: ${folder} leads nowhere` : `not fetched: faultline model fetch ${name}`;
}
