/**
 * The methods paragraph: how an experiment was made, in sentences for a paper, with every parameter that decides results. Every number and name
 * comes from the experiment's row and the summary; knows no markup: `render/methods.ts` writes it as text and LaTeX, the page's section as HTML.
 */
import type { ReportData } from './report-data.js';
import { decimal, plural, whole } from './render/format.js';

/** A stretch of the paragraph. `code` is to be set as such: hashes and parameters. */
export type MethodsPart = string | { readonly code: string };

/** The paragraph in parts, which follow each other without a space. Names in it are hostile text. */
export function methodsParts(data: ReportData): MethodsPart[] {
  const { experiment, counts, strategy, intervals, partial, software } = data;
  const code = (text: string): MethodsPart => ({ code: text });
  const at = experiment.device === 'cpu' ? experiment.cpu : `${experiment.deviceName} (host: ${experiment.cpu})`;
  const { least, most } = counts.samplesPerProblem;
  const parameters = experiment.config.flatMap(({ key, value }, i): MethodsPart[] => [i === 0 ? '' : ', ', code(`${key} = ${value}`)]);
  return [
    `With faultline ${experiment.version} we drew ${plural(counts.samples, 'sample')} of ${plural(counts.problems, 'problem')}`,
    counts.counted === 0 ? '' : ` (${least === most ? whole(most) : `${whole(least)} to ${whole(most)}`} counted per problem)`,
    strategy === null ? '' : ` by the strategy ${strategy}`,
    `, seed ${experiment.seed}, from the model with SHA-256 `,
    code(experiment.modelHash),
    ' (tokenizer ',
    code(experiment.tokenizerHash),
    '; problems ',
    code(experiment.problemsHash),
    `). The model ran in ${experiment.dtype} with the kernel family ${experiment.kernelFamily} (instruction set ${experiment.isa}) on ${at}. `,
    'Random numbers are Philox4x32-10, keyed by seed and problem, so that a sample depends on its seed, problem and index alone. ',
    experiment.pythonVersion === ''
      ? 'No program has been executed. '
      : `Programs ran under Python ${experiment.pythonVersion} in the isolation tier ${experiment.isolationTier}, judge and candidate in separate processes, the CPU limit scaled by ${decimal(experiment.calibration, 3)} for this machine; the limits are among the parameters below. `,
    `Of the samples, ${whole(counts.counted)} count; ${whole(counts.infra - counts.unsupported)} without a verdict and ${whole(counts.unsupported)} of unsupported problems are in no rate; ${whole(counts.nearLimit)} met a time limit and finished at three times the limits. `,
    partial === null
      ? ''
      : `These are a part of an experiment of ${plural(partial.samples, 'sample')} of ${plural(partial.problems, 'problem')}. `,
    'Each failure falls in one category of the tool’s taxonomy, by fixed rules on its verdict. pass@k is the unbiased estimator of Chen et al. (2021). ',
    `Intervals are ${intervals.confidence * 100} % BCa bootstrap intervals over problems (${whole(intervals.resamples)} resamples, seed ${intervals.seed}), Wilson’s where resampling cannot vary a rate. `,
    ...(data.textView === null ? [] : [`Those of the text measures have ${whole(data.textView.intervals.resamples)} resamples. `]),
    'Parameters that decide results: ',
    ...parameters,
    '. Experiment ',
    code(experiment.hash),
    `, begun ${experiment.createdAt}, ${experiment.finishedAt === null ? 'not finished' : `finished ${experiment.finishedAt}`}.`,
    software === null ? '' : ` Tables and intervals: faultline ${software.faultline} on Node ${software.node}.`,
  ];
}

/** The paragraph as one line of plain text; names as they are, so not for a screen that obeys control characters. */
export function methodsLine(data: ReportData): string {
  return methodsParts(data)
    .map((part) => (typeof part === 'string' ? part : part.code))
    .join('');
}
