/** How the numbers were made: enough to make them again, and to know what they do not say. */
import { isImported } from '../../../../store/imported.js';
import { describeMachines, methodsParts } from '../../../methods.js';
import type { ReportData } from '../../../report-data.js';
import { decimal, percent, plural, whole } from '../../format.js';
import { markup, type Markup } from '../markup.js';
import { table } from '../table.js';

export function methodSection(data: ReportData): Markup {
  const { experiment, counts, intervals, finishReasons, machines } = data;
  const begunOn = isImported(experiment) ? machines.execute : machines.draw;
  const facts: [string, string][] = [
    ['experiment', experiment.hash],
    ['seed', experiment.seed],
    ...(isImported(experiment)
      ? [['samples of a file', experiment.modelHash] as [string, string]]
      : ([
          ['model', experiment.modelHash],
          ['tokenizer', experiment.tokenizerHash],
          ['numbers', `${experiment.dtype}, kernels ${experiment.kernelFamily} on ${experiment.isa}${gpuName(experiment)}`],
        ] as [string, string][])),
    ['problems', experiment.problemsHash],
    // The machine where it began, which is among those that are recorded.
    ...(begunOn.length === 0 ? [['processor', experiment.cpu] as [string, string]] : []),
    ...describeMachines(machines.draw).map((machine): [string, string] => ['drawn on', machine]),
    ...describeMachines(machines.execute).map((machine): [string, string] => ['executed on', machine]),
    ...data.otherMachines.map((line): [string, string] => ['run log', line]),
    ['Python', experiment.pythonVersion],
    ['isolation', experiment.isolationTier],
    ['CPU-limit calibration', decimal(experiment.calibration, 3)],
    ['begun, finished', `${experiment.createdAt}, ${experiment.finishedAt ?? 'not yet'}`],
    ['faultline', experiment.version],
    ['report', data.software === null ? 'not known' : `faultline ${data.software.faultline}, Node ${data.software.node}`],
  ];
  return markup`<section id="method">
    <h2>How this was made</h2>
    <h3>For a methods section</h3>
    <p class="methods" id="methods">${methodsParts(data).map((part) => (typeof part === 'string' ? part : markup`<code>${part.code}</code>`))}</p>
    <p class="aside">The same as methods.txt and as LaTeX in tables/methods.tex, beside this page.</p>
    <h3>Environment</h3>
    <dl class="facts-list" id="environment">${facts.map(([name, value]) => entry(name, markup`${value}`))}</dl>
    <h3>Configuration</h3>
    <dl class="facts-list" id="configuration">${[...experiment.config, ...(experiment.categorySettings ?? [])].map(({ key, value }) => entry(key, markup`<code>${value}</code>`))}</dl>
    <h3>How completions ended</h3>
    ${table(
      finishReasons,
      [
        { title: 'finish reason', header: true, cell: ({ reason }) => reason },
        { title: 'samples', numeric: true, cell: ({ count }) => whole(count) },
        { title: 'share', numeric: true, cell: ({ share }) => percent(share) },
      ],
      { id: 'finish-table', caption: 'Finish reasons of all counted samples' },
    )}
    <h3>Reading the numbers</h3>
    <ul class="notes">
      <li>
        Intervals are ${intervals.confidence * 100} % BCa bootstrap intervals over problems, not samples (${whole(intervals.resamples)}
        resamples, Philox seed ${intervals.seed}), because samples of one problem resemble each other. Where resampling cannot vary a rate
        (0 or 100 % in every problem), Wilson’s interval over the problems stands in.
      </li>
      <li>The crash rate is outcomes load and crash over all counted samples.</li>
      <li>
        ${plural(counts.infra - counts.unsupported, 'infrastructure failure')} and ${plural(counts.unsupported, 'sample')} of unsupported
        problems (outcome infra) left out of every rate; ${plural(counts.nearLimit, 'sample')} met
        a time limit and finished at three times the limits (near_limit).
      </li>
      ${
        counts.samplesPerProblem.least !== counts.samplesPerProblem.most &&
        markup`<li>
          Problems have between ${whole(counts.samplesPerProblem.least)} and ${whole(counts.samplesPerProblem.most)} counted samples. pass@k
          is over the problems that have at least k; shares weigh samples equally.
        </li>`
      }
      <li>Exception types, messages and lines are what the candidate’s own process reported; passes, limits and signals are not.</li>
    </ul>
  </section>`;
}

/** The CPU has a row of its own. */
function gpuName({ device, deviceName }: ReportData['experiment']): string {
  return device === 'cpu' ? '' : ` (${deviceName})`;
}

function entry(name: string, value: Markup): Markup {
  return markup`<dt>${name}</dt>
    <dd>${value}</dd>`;
}
