/**
 * The commands there are: one row each. Only the command that is asked for is loaded, so that `--help` is quick and
 * `doctor` runs where the engine does not. Holds no command's logic.
 */
import { Command } from 'commander';
import { version } from '../pipeline/bundled.js';

/** What a file in `commands/` exports. */
export interface CommandModule {
  /** Adds arguments, flags, examples and the action to the command of its name. */
  define(command: Command): void;
}

interface Row {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

export const COMMANDS: readonly Row[] = [
  {
    name: 'run',
    summary: 'Generate, execute, classify and report: the whole experiment of a config',
    load: () => import('./commands/run.js'),
  },
  { name: 'generate', summary: 'Sample completions of problems into a JSONL file', load: () => import('./commands/generate.js') },
  { name: 'execute', summary: 'Run samples in the sandbox and name each failure', load: () => import('./commands/execute.js') },
  { name: 'analyze', summary: 'Print how the samples of an experiment failed', load: () => import('./commands/analyze.js') },
  { name: 'report', summary: "Write an experiment's report as HTML, CSV and JSON", load: () => import('./commands/report.js') },
  { name: 'show', summary: 'Show one sample: program, failing line, verdict, tokens', load: () => import('./commands/show.js') },
  { name: 'query', summary: 'Ask the database: SQL, named views, words of error messages', load: () => import('./commands/query.js') },
  { name: 'diff', summary: 'Compare two experiments: rates, categories, problems', load: () => import('./commands/diff.js') },
  { name: 'export', summary: 'Write samples and verdicts as a file that other programs read', load: () => import('./commands/export.js') },
  { name: 'import', summary: 'Judge samples that were made elsewhere, as an experiment', load: () => import('./commands/import.js') },
  { name: 'merge', summary: 'Join databases that hold shards of one experiment', load: () => import('./commands/merge.js') },
  { name: 'upgrade', summary: 'Bring a database of an older version to the present one', load: () => import('./commands/upgrade.js') },
  { name: 'annotate', summary: 'Let people label failures blind, and score the classifier', load: () => import('./commands/annotate.js') },
  {
    name: 'activations',
    summary: 'Write what hook points of the model carry to a safetensors file',
    load: () => import('./commands/activations.js'),
  },
  {
    name: 'precision',
    summary: 'Measure what a narrower dtype changes in a model’s predictions',
    load: () => import('./commands/precision.js'),
  },
  { name: 'doctor', summary: 'Show what this machine offers, and what is missing', load: () => import('./commands/doctor.js') },
  { name: 'data', summary: 'Fetch and list problem files', load: () => import('./commands/data.js') },
  { name: 'model', summary: 'Fetch and list models', load: () => import('./commands/model.js') },
];

/** The program with the asked-for command complete and the others as a line of help each. */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('faultline')
    .description('Finds out why code-generation models fail.')
    .version(version(), '-v, --version', 'Print the version')
    .helpOption('-h, --help', 'Print help')
    .addHelpText(
      'after',
      '\nExamples:\n  $ faultline run                    the bundled model on the bundled problems\n  $ faultline run --help             flags, examples and exit codes of a command\n',
    )
    .configureHelp({ showGlobalOptions: false });
  settle(program);
  program.hook('preAction', async () => {
    const { checkEnvironment } = await import('../config/environment.js');
    checkEnvironment(process.env);
  });
  const asked = args[0] === 'help' ? args[1] : args.find((arg) => !arg.startsWith('-'));
  for (const row of COMMANDS) {
    const command = program.command(row.name).summary(row.summary).description(row.summary);
    settle(command);
    if (row.name === asked) {
      (await row.load()).define(command);
      for (const nested of command.commands) settle(nested);
    }
  }
  return program;
}

/** Errors are thrown to `main`, which prints all of them alike; suggestions stay on. */
function settle(command: Command): void {
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .helpOption('-h, --help', 'Print help')
    .configureOutput({ outputError: () => undefined });
}
