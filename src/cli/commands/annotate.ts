/** `faultline annotate`: people label failures blind, and the classifier is checked against them. */
import type { Command } from 'commander';
import { FaultlineError } from '../../errors.js';
import { HELP } from '../../reports/annotation/label-session.js';
import {
  addExperimentFlag,
  addHelp,
  configOf,
  finishDefinition,
  type Options,
  outputOf,
  textOf,
  wholeNumberOf,
  withProgress,
} from '../command.js';
import { addConfigFlags } from '../config-flags.js';

const ROWS = 300;
/** Few enough that 24 leaves leave rows to spare of 300, enough that a leaf's precision has an interval that says something. */
const FLOOR = 10;

export function define(command: Command): void {
  addHelp(command, {
    examples: [
      ['faultline annotate draw --output labels', '300 failures of the newest experiment: blind sheet, key and codebook'],
      ['faultline annotate label labels/blind.csv --annotator ann', 'label them here; a spreadsheet does as well'],
      ['faultline annotate score labels/key.csv labels/blind.ann.csv labels/blind.ben.csv', 'agreement, and precision of the classifier'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'output', 'interrupted', 'internal'],
  });
  defineDraw(command);
  defineLabel(command);
  defineScore(command);
}

function defineDraw(command: Command): void {
  const text = 'Draw failures to be labelled: a blind sheet, its key and the codebook';
  const draw = command.command('draw').summary(text).description(text);
  addConfigFlags(draw, ['--outputs', '--db']);
  addExperimentFlag(draw);
  draw.option('--n <n>', `Failures to draw; default: ${ROWS}`);
  draw.option('--floor <n>', `Failures of each leaf at least, as far as it has so many different programs; default: ${FLOOR}`);
  draw.option('--seed <n>', 'What is drawn: equal seeds draw the same; default: 0');
  draw.option('--output <folder>', "Default: annotation, in the experiment's outputs");
  finishDefinition(draw, {
    examples: [
      ['faultline annotate draw', 'of the newest experiment'],
      ['faultline annotate draw --n 500 --seed 7 --experiment gpt2-humaneval --output labels', 'more, of another one'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'output', 'internal'],
  });
  draw.action(async ({ experiment, n, floor, seed, output: folder, ...options }: Options) => {
    const { values } = configOf(undefined, options);
    const output = outputOf(options);
    const { drawStored } = await import('../../pipeline/annotate.js');
    const count = wholeNumberOf('--n', n) ?? ROWS;
    const request = {
      experiment: textOf(experiment),
      count,
      floor: wholeNumberOf('--floor', floor) ?? FLOOR,
      seed: seedOf(textOf(seed)),
      output: textOf(folder),
    };
    const drawn = await withProgress((progress) => drawStored(values, request, progress));
    if (drawn.rows < count) output.note(`there are only ${drawn.failures} failures: all of them were drawn`);
    if (drawn.otherwiseStored > 0) {
      output.note(
        `${drawn.otherwiseStored} of ${drawn.failures} failures have another category in the database, which the config or older rules gave ` +
          "them; the key has the present taxonomy's leaf",
      );
    }
    const { blind, key, codebook } = drawn.files;
    output.result(
      { ...drawn, experiment: drawn.experiment.name, experiment_hash: drawn.experiment.hash },
      () =>
        `draw ${drawn.draw}: ${drawn.rows} of ${drawn.failures} failures of ${drawn.experiment.name}, of ${drawn.leaves} leaves\n` +
        `  ${blind}  to hand out\n  ${codebook}  what the leaves mean\n  ${key}  the classifier's leaves: not for who labels`,
    );
  });
}

function defineLabel(command: Command): void {
  const text = 'Label the rows of a blind sheet one by one; quit and go on at any time';
  const label = command.command('label').summary(text).description(text).argument('<sheet>', 'The blind sheet of a draw');
  label.requiredOption('--annotator <name>', 'Who labels: letters, digits, - and _');
  label.option('--output <file>', 'Where the labels go, and are gone on with; default: `<sheet>.<name>.csv` beside the sheet');
  label.addHelpText('after', `\nAt a row, type:\n${HELP.replace(/^/gm, '  ')}`);
  finishDefinition(label, {
    examples: [
      ['faultline annotate label labels/blind.csv --annotator ann', 'begins, or goes on: labels/blind.ann.csv'],
      ['faultline annotate label blind.csv --annotator ben < labels.txt', 'without a terminal, one line an answer'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'output', 'interrupted', 'internal'],
  });
  label.action(async (sheet: string, { annotator, output: file, ...options }: Options) => {
    const output = outputOf(options);
    const [{ labelSheet }, { converse }] = await Promise.all([import('../../pipeline/label.js'), import('../conversation.js')]);
    const labelled = await converse((conversation) =>
      labelSheet({ sheet, annotator: String(annotator), output: textOf(file) }, conversation),
    );
    output.result(labelled, () => `${labelled.labelled} of ${labelled.rows} rows labelled in ${labelled.file}`);
  });
}

function defineScore(command: Command): void {
  const text = 'Score labels: agreement between two people, precision of the classifier';
  const score = command
    .command('score')
    .summary(text)
    .description(text)
    .argument('<key>', 'The key of the draw')
    .argument('<first>', "Somebody's sheet")
    .argument('[second]', "Somebody else's, for their agreement");
  finishDefinition(score, {
    examples: [
      ['faultline annotate score key.csv blind.ann.csv blind.ben.csv', 'two people: kappa, precision, where they differ'],
      ['faultline annotate score key.csv blind.ann.csv --json', 'one, as JSON'],
    ],
    exitCodes: ['ok', 'usage', 'input', 'internal'],
  });
  score.action(async (key: string, first: string, second: string | undefined, options: Options) => {
    const output = outputOf(options);
    const [{ scoreSheets }, { scoreText }, { CATEGORIES }] = await Promise.all([
      import('../../pipeline/score.js'),
      import('../score-text.js'),
      import('../../taxonomy/categories.js'),
    ]);
    const scored = await scoreSheets(key, second === undefined ? [first] : [first, second]);
    output.result(scored, () => scoreText(scored, CATEGORIES));
  });
}

function seedOf(text: string | undefined): bigint {
  if (text === undefined) return 0n;
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n) return BigInt(text);
  throw new FaultlineError('usage', `--seed must be a whole number of at most 64 bits, not ${text}`, { hint: 'Such as `--seed 7`.' });
}
