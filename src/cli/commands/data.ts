/** `faultline data`: problem files by name. */
import type { Command } from 'commander';
import { addHelp, finishDefinition, outputOf, withInterrupt, type Options } from '../command.js';

export function define(command: Command): void {
  addHelp(command, {
    examples: [
      ['faultline data list', 'which there are'],
      ['faultline data fetch humaneval', 'HumanEval, from its origin'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'interrupted', 'internal'],
  });
  const fetch = command
    .command('fetch')
    .summary('Download a data set, with checksum and resume, or take a copy that is already here')
    .description('Download a data set, with checksum and resume, or take a copy that is already here')
    .argument('<name>', 'humaneval or mbpp')
    .argument('[path]', 'a copy of the file on this machine, instead of the network');
  finishDefinition(fetch, {
    examples: [
      ['faultline data fetch humaneval', 'from its origin'],
      ['faultline data fetch mbpp ~/mbpp.jsonl', 'from a copy, checked against the same sum'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'environment', 'output', 'interrupted', 'internal'],
  });
  fetch.action(async (name: string, path: string | undefined, options: Options) => {
    const output = outputOf(options);
    const { fetchDataset } = await import('../../datasets/fetch-dataset.js');
    const {
      dataset,
      path: file,
      how,
    } = await withInterrupt(({ signal, progress }) => {
      const transfer = progress.transfer(name);
      return fetchDataset(name, {
        signal,
        onProgress: ({ receivedBytes, totalBytes }) => {
          transfer.at(receivedBytes, totalBytes);
        },
        ...(path === undefined ? {} : { from: path }),
      });
    });
    const { sha256, problems } = dataset;
    output.result(
      { name: dataset.name, path: file, how, sha256, problems },
      () => `${dataset.name}: ${how}, ${problems} problems in ${file}`,
    );
  });

  const list = command
    .command('list')
    .summary('List the data sets and which of them are here')
    .description('List the data sets and which of them are here');
  finishDefinition(list, {
    examples: [['faultline data list', 'names, sizes, licences and places']],
    exitCodes: ['ok', 'usage', 'internal'],
  });
  list.action(async (options: Options) => {
    const output = outputOf(options);
    const { listDatasets } = await import('../../pipeline/catalogue.js');
    const rows = listDatasets();
    output.result(rows, () =>
      rows
        .map(
          ({ name, problems, licence, summary, path, present }) =>
            `${name.padEnd(12)} ${String(problems).padStart(4)} problems, ${licence}: ${summary}\n${''.padEnd(13)}${present ? path : `not fetched: faultline data fetch ${name}`}`,
        )
        .join('\n'),
    );
  });
}
