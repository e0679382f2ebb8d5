/** pass@k as a curve and as a table. */
import type { ReportData } from '../../../report-data.js';
import { percent, percentInterval, whole } from '../../format.js';
import type { Plot } from '../../plots/render.js';
import { figure } from '../figure.js';
import { markup, type Markup } from '../markup.js';
import { table } from '../table.js';
import { warningsAt } from '../warnings.js';

export function passAtKSection(data: ReportData, plot: Plot | null): Markup {
  const { passAtK, intervals } = data;
  return markup`<section id="pass-at-k">
    <h2>pass@k</h2>
    <p>
      The probability that at least one of k samples of a problem passes, averaged over problems; unbiased estimator of Chen et al. (2021).
    </p>
    ${plot && figure(plot, `pass@k by k. The band is the ${intervals.confidence * 100} % interval over problems; points are the rows of the table.`)}
    ${table(
      passAtK,
      [
        { title: 'k', header: true, cell: ({ k }) => whole(k) },
        { title: 'pass@k', numeric: true, cell: ({ estimate }) => percent(estimate.value) },
        { title: `${intervals.confidence * 100} % interval`, numeric: true, cell: ({ estimate }) => percentInterval(estimate) },
        { title: 'problems', numeric: true, cell: ({ problems }) => whole(problems) },
      ],
      { id: 'pass-table', caption: 'pass@k' },
    )}
    ${warningsAt(data, 'pass_at_k')}
  </section>`;
}
