/** The top of the page: what was done, and the figures that matter, with their intervals. */
import type { Costs } from '../../../costs.js';
import type { ReportData } from '../../../report-data.js';
import type { Estimate } from '../../../statistics/bootstrap.js';
import { percent, percentInterval, plural, seconds, whole } from '../../format.js';
import { markup, type Markup } from '../markup.js';
import { warningsAt } from '../warnings.js';

export function overview(data: ReportData): Markup {
  const { experiment, counts, partial, strategy } = data;
  const failed = counts.infra - counts.unsupported;
  return markup`<p class="eyebrow">faultline failure report</p>
    <h1>${experiment.name}</h1>
    <p class="lead">${lead(data)}</p>
    <p class="facts">
      ${strategy === null ? null : markup`Strategy ${strategy} · `}seed ${experiment.seed} · ${experiment.dtype} · begun
      ${experiment.createdAt} · faultline ${experiment.version}
    </p>
    ${
      experiment.finishedAt === null &&
      markup`<p class="warning" role="note">
        This run is not finished: the report covers the ${plural(counts.samples, 'sample')} judged so far.
      </p>`
    }
    ${
      partial !== null &&
      markup`<p class="warning" role="note">
        This report is partial: it covers ${whole(counts.samples)} of the experiment’s ${plural(partial.samples, 'sample')} of
        ${plural(partial.problems, 'problem')}${partial.shards.length > 0 && markup`, those of ${shardNames(partial.shards)}`}. No rate in it is the experiment’s.
      </p>`
    }
    ${
      failed > 0 &&
      markup`<p class="warning" role="note">
        ${plural(failed, 'sample')} could not be judged for reasons outside the program, and ${failed === 1 ? 'is' : 'are'} in no rate.
      Running the experiment again retries.
    </p>`
    }
    ${
      counts.unsupported > 0 &&
      markup`<p class="facts">
        ${plural(counts.unsupported, 'sample')} of problems whose tests need more than values ${counts.unsupported === 1 ? 'is' : 'are'}
        unsupported, and in no rate.
      </p>`
    }
    ${warningsAt(data, 'overview')}`;
}

export function keyFigures(data: ReportData): Markup {
  const { passAtK, crashRate, feasibility, costs, counts } = data;
  return markup`<dl class="figures">
      ${passAtK.map(({ k, estimate }) => figure(`pass@${k}`, estimate))} ${figure('crash rate', crashRate)}
      ${figure('specific cause known', feasibility.outsideResidual)}
    </dl>
    <p class="aside" id="costs">
      What that cost: ${plural(costs.tokens, 'token')} drawn for ${plural(counts.counted, 'counted sample')}${drawingTime(costs)}, and
      ${plural(costs.executions, 'program')} executed, as equal ones of a problem run once, in ${seconds(costs.cpuSeconds)} of CPU time and
      ${seconds(costs.wallSeconds)} by the clock, summed over the executions that decided.${costs.drawSeconds === null && ' How long drawing took was not measured for all of them.'}
    </p>`;
}

function drawingTime({ drawSeconds }: Costs): string {
  return drawSeconds === null ? '' : ` in ${seconds(drawSeconds)} by the clock`;
}

function shardNames(shards: readonly string[]): string {
  return `${shards.length === 1 ? 'shard' : 'shards'} ${shards.join(', ')}`;
}

function figure(name: string, estimate: Estimate): Markup {
  return markup`<div>
    <dt>${name}</dt>
    <dd class="value">${percent(estimate.value)}</dd>
    <dd class="interval">${percentInterval(estimate)}</dd>
  </div>`;
}

/** One sentence that says what happened. */
function lead({ counts, crashRate, categories }: ReportData): Markup {
  if (counts.counted === 0) return markup`No sample has been judged yet.`;
  const top = [...categories].sort((a, b) => b.count - a.count)[0];
  const most =
    top && markup` The most frequent failure is <b>${top.code} ${top.name}</b>, ${percent(top.share.value)} of ${whole(counts.failed)}.`;
  return markup`Of <b>${plural(counts.counted, 'sample')}</b> of ${plural(counts.problems, 'problem')},
    <b>${percent(counts.passed / counts.counted)} pass</b> and ${percent(crashRate.value)} crash;
    ${plural(counts.solvedProblems, 'problem')} ${counts.solvedProblems === 1 ? 'is' : 'are'} solved at least once.${most}`;
}
