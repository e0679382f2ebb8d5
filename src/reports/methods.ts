/**
 * The methods paragraph: how an experiment was made, in sentences for a paper, with every parameter that decides results. Every number and name
 * comes from the experiment's row and the summary; knows no markup: `render/methods.ts` writes it as text and LaTeX, the page's section as HTML.
 */
import { isImported } from '../store/imported.js';
import type { Machine } from '../store/types.js';
import type { ConfigEntry, ExperimentFacts, ReportData } from './report-data.js';
import { decimal, plural, whole } from './render/format.js';

/** A stretch of the paragraph. `code` is to be set as such: hashes and parameters. */
export type MethodsPart = string | { readonly code: string };

export const codePart = (text: string): MethodsPart => ({ code: text });

/** The paragraph in parts, which follow each other without a space. Names in it are hostile text. */
export function methodsParts(data: ReportData): MethodsPart[] {
  const { experiment, counts, intervals, partial, software } = data;
  return [
    ...(isImported(experiment) ? importedParts(data) : drawnParts(data)),
    experiment.pythonVersion === ''
      ? 'No program has been executed. '
      : `Programs ran under Python ${experiment.pythonVersion} in the isolation tier ${experiment.isolationTier}${executedOn(data)}, judge and candidate in separate processes, the CPU limit scaled by ${decimal(experiment.calibration, 3)} for ${describeMachines(data.machines.execute).length > 1 ? 'the first of these machines' : 'that machine'}; the limits are among the parameters below. `,
    `Of the samples, ${whole(counts.counted)} count; ${whole(counts.infra - counts.unsupported)} without a verdict and ${whole(counts.unsupported)} of unsupported problems are in no rate; ${whole(counts.nearLimit)} met a time limit and finished at three times the limits. `,
    partial === null
      ? ''
      : `These are a part of an experiment of ${plural(partial.samples, 'sample')} of ${plural(partial.problems, 'problem')}. `,
    ...categoryParts(experiment),
    'pass@k is the unbiased estimator of Chen et al. (2021). ',
    `Intervals are ${intervals.confidence * 100} % BCa bootstrap intervals over problems (${whole(intervals.resamples)} resamples, seed ${intervals.seed}), Wilson’s where resampling cannot vary a rate. `,
    ...(data.textView === null ? [] : [`Those of the text measures have ${whole(data.textView.intervals.resamples)} resamples. `]),
    ...(data.analyses === null ? [] : [`Those of where samples fail have ${whole(data.analyses.positionResamples)} resamples. `]),
    'Parameters that decide results: ',
    ...entryParts(experiment.config),
    '. Experiment ',
    codePart(experiment.hash),
    `, begun ${experiment.createdAt}, ${experiment.finishedAt === null ? 'not finished' : `finished ${experiment.finishedAt}`}.`,
    software === null ? '' : ` Tables and intervals: faultline ${software.faultline} on Node ${software.node}.`,
  ];
}

/** Whose samples they are: those that this tool drew. */
function drawnParts(data: ReportData): MethodsPart[] {
  const { experiment, strategy, machines, otherMachines } = data;
  const host = hostOf(experiment, machines.draw);
  const at = experiment.device === 'cpu' ? host : `${experiment.deviceName} (host: ${host})`;
  return [
    `With faultline ${experiment.version} we drew ${extent(data)}`,
    strategy === null ? '' : ` by the strategy ${strategy}`,
    `, seed ${experiment.seed}, from the model with SHA-256 `,
    codePart(experiment.modelHash),
    ' (tokenizer ',
    codePart(experiment.tokenizerHash),
    '; problems ',
    codePart(experiment.problemsHash),
    `). The model ran in ${experiment.dtype} with the kernel family ${experiment.kernelFamily} (instruction set ${experiment.isa}) on ${at}. `,
    runLog(otherMachines, machines.draw, 'it ran'),
    'Random numbers are Philox4x32-10, keyed by seed and problem, so that a sample depends on its seed, problem and index alone. ',
  ];
}

/** Whose samples they are: somebody else's, of whom the row knows nothing. */
function importedParts(data: ReportData): MethodsPart[] {
  const { experiment, machines, otherMachines } = data;
  return [
    `With faultline ${experiment.version} we judged ${extent(data)}, which were made elsewhere: their file (SHA-256 of its lines `,
    codePart(experiment.modelHash),
    ') does not say by which model, with which parameters or on which machine. The problems are ',
    codePart(experiment.problemsHash),
    `. They were judged on ${hostOf(experiment, machines.execute)}, seed ${experiment.seed}. `,
    runLog(otherMachines, machines.execute, 'them were judged'),
  ];
}

/** The machines, or where none are recorded the processor of the one where the experiment began. */
function hostOf({ cpu }: ExperimentFacts, machines: readonly Machine[]): string {
  if (machines.length > 0) return describeMachines(machines).join(' and on ');
  return cpu === '' ? 'a machine that was not recorded' : cpu;
}

/** What the run log tells of devices, kernels and versions; of `machines` as well where none have been named. */
function runLog(lines: readonly string[], machines: readonly Machine[], did: string): string {
  if (lines.length === 0) return '';
  const differed = machines.length === 0 ? `Not all of ${did} there` : 'Devices, kernels or versions of faultline differed';
  return `${differed}; the run log says: ${lines.join('; ')}. `;
}

/** Where programs ran, of samples that were drawn here: the samples may have been drawn elsewhere. Of others it has been said. */
function executedOn({ experiment, machines: { draw, execute } }: ReportData): string {
  if (isImported(experiment)) return '';
  if (execute.length === 0) return ' on a machine that was not recorded';
  const drawnOn = describeMachines(draw);
  const ranOn = describeMachines(execute);
  // Of two that were not recorded nobody knows whether they are one.
  const isSame = drawnOn.join('\n') === ranOn.join('\n') && execute.every(isRecorded);
  if (!isSame) return ` on ${ranOn.join(' and on ')}`;
  return ranOn.length === 1 ? ' on the same machine' : ' on the same machines';
}

/**
 * Machines as in a methods section; their names are hostile text. Rows that look alike but for their systems are one machine: its kernel is
 * updated, and a virtual one's memory moves by some pages.
 */
export function describeMachines(machines: readonly Machine[]): string[] {
  const alike = new Map<string, { readonly machine: Machine; readonly systems: string[] }>();
  for (const machine of machines) {
    const key = JSON.stringify([machine.cpu, machine.cores, gibibytes(machine)]);
    const known = alike.get(key);
    if (known === undefined) alike.set(key, { machine, systems: [machine.system] });
    else if (!known.systems.includes(machine.system)) known.systems.push(machine.system);
  }
  return Array.from(alike.values(), ({ machine, systems }) => describeMachine(machine, systems));
}

function describeMachine(machine: Machine, systems: readonly string[]): string {
  const { cpu, cores } = machine;
  if (!isRecorded(machine)) return cpu === '' ? 'a machine that was not recorded' : `${cpu} (not further recorded)`;
  const system = systems.length === 1 ? systems[0]! : `the systems ${systems.join(' and ')}`;
  return `${cpu === '' ? 'an unnamed processor' : cpu} with ${plural(cores, 'core')}, ${gibibytes(machine)} GiB of memory and ${system}`;
}

const gibibytes = ({ memoryBytes }: Machine): string => decimal(memoryBytes / 2 ** 30, 1);

/** Whether it is a machine, not what stands for those of an older version. */
const isRecorded = ({ cores }: Machine): boolean => cores > 0;

function extent({ counts }: ReportData): string {
  const { least, most } = counts.samplesPerProblem;
  const each = counts.counted === 0 ? '' : ` (${least === most ? whole(most) : `${whole(least)} to ${whole(most)}`} counted per problem)`;
  return `${plural(counts.samples, 'sample')} of ${plural(counts.problems, 'problem')}${each}`;
}

/** How failures are named and counted. */
function categoryParts({ categorySettings }: ExperimentFacts): MethodsPart[] {
  const rules = 'Each failure falls in one category of the tool’s taxonomy, by fixed rules on its verdict';
  if (categorySettings === null) return [`${rules} (whether a config renamed or merged some was not recorded). `];
  if (categorySettings.length === 0) return [`${rules}. `];
  return [
    `${rules}, counted as the config says: `,
    ...entryParts(categorySettings),
    '; the feasibility decision goes by the taxonomy’s own leaves. ',
  ];
}

/** `key = value` of each, with commas between. */
export function entryParts(of: readonly ConfigEntry[]): MethodsPart[] {
  return of.flatMap(({ key, value }, i): MethodsPart[] => [i === 0 ? '' : ', ', codePart(`${key} = ${value}`)]);
}

/** The paragraph as one line of plain text; names as they are, so not for a screen that obeys control characters. */
export function methodsLine(data: ReportData): string {
  return methodsParts(data)
    .map((part) => (typeof part === 'string' ? part : part.code))
    .join('');
}
