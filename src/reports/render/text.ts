/**
 * The summary that commands print. Without a terminal it is a function of the data alone: no colour, no time, no width
 * of any window, so that a transcript of it stays true.
 */
import picocolors from 'picocolors';
import { OUTCOMES, type CountedOutcome } from '../outcomes.js';
import type { CategoryShare, ClaimPlace, PartialExtent, ReportData } from '../report-data.js';
import type { Estimate } from '../statistics/bootstrap.js';
import { percent, percentInterval, plural, seconds, whole, wrap } from './format.js';
import { intervalTitle } from './tables/estimate.js';
import { shorten, visibleLine } from './visible.js';

export interface TextOptions {
  /** Colours, and bars that use the width: only for a terminal. */
  readonly terminal?: boolean;
  /** Columns of the terminal; default 80. */
  readonly width?: number;
  /** How many categories to list, the most frequent first; default 10. */
  readonly most?: number;
}

type Paint = (text: string) => string;
type Colours = ReturnType<typeof picocolors.createColors>;

const NAME_WIDTH = 32;

/** Several lines, without a newline at the end. Every name in it has been made harmless to a terminal. */
export function renderText(data: ReportData, { terminal = false, width = 80, most = 10 }: TextOptions = {}): string {
  const colours = picocolors.createColors(terminal);
  const { counts } = data;
  const interval = intervalTitle(data.intervals.confidence);
  const lines = [
    `${colours.bold(shorten(visibleLine(data.experiment.name), 60))}: ${plural(counts.counted, 'sample')} of ${plural(counts.problems, 'problem')}` +
      (counts.infra > 0 ? `, and ${plural(counts.infra, 'sample')} not judged` : '') +
      (data.experiment.finishedAt === null ? colours.yellow(' (unfinished)') : ''),
    ...(data.partial === null ? [] : [colours.yellow(partial(data.counts.samples, data.partial))]),
  ];
  if (counts.counted === 0) return lines.join('\n');

  const bars = terminal ? Math.max(0, Math.min(40, width - NAME_WIDTH - 42)) : 0;
  const line = (name: string, count: number | null, estimate: Estimate, scale: number, paint: Paint): string =>
    [
      `  ${fit(name, NAME_WIDTH)}`,
      (count === null ? '' : whole(count)).padStart(7),
      percent(estimate.value).padStart(9),
      percentInterval(estimate).padStart(18),
      bars > 0 && estimate.value !== null ? ` ${paint(bar(estimate.value / scale, bars))}` : '',
    ]
      .join('')
      .trimEnd();

  lines.push('', heading('', 'samples', 'share', interval, colours));
  for (const { k, estimate } of data.passAtK) lines.push(line(`pass@${k}`, null, estimate, 1, colours.green));
  lines.push(line('crash rate', null, data.crashRate, 1, colours.red));
  const { tokens, drawSeconds, executions, cpuSeconds, wallSeconds } = data.costs;
  lines.push(`  ${'cost'.padEnd(NAME_WIDTH)}${plural(tokens, 'token')}, ${plural(executions, 'program')} executed`);
  // Times are no results: a transcript of a run would not stay true with them.
  if (terminal) {
    const drawing = drawSeconds === null ? '' : `${seconds(drawSeconds)} of drawing; executions: `;
    lines.push(`  ${' '.repeat(NAME_WIDTH)}${drawing}${seconds(cpuSeconds)} of CPU time, ${seconds(wallSeconds)} by the clock`);
  }
  lines.push(...warnings(data, 'pass_at_k', colours), ...warnings(data, 'overview', colours));

  lines.push('', heading('outcome', 'samples', 'share', interval, colours));
  for (const { outcome, count, share } of data.outcomes) {
    if (count > 0) lines.push(line(OUTCOMES[outcome].label, count, share, 1, paintOf(outcome, colours)));
  }

  lines.push(...warnings(data, 'outcomes', colours));

  if (data.categories.length > 0) {
    const top = [...data.categories].sort((a, b) => b.count - a.count).slice(0, most);
    lines.push('', heading('category', 'samples', 'failures', interval, colours));
    const longest = Math.max(...top.map(({ share }) => share.value ?? 0));
    for (const category of top)
      lines.push(line(nameOf(category), category.count, category.share, longest, paintOf(category.outcome, colours)));
    const rest = data.categories.length - top.length;
    if (rest > 0) lines.push(colours.dim(`  and ${plural(rest, 'category', 'categories')} more`));
    lines.push(...warnings(data, 'categories', colours), '', ...feasibility(data, colours), ...warnings(data, 'feasibility', colours));
  }
  return lines.join('\n');
}

/** Where there is too little for what stands above: lines of at most 80 characters. */
export function warnings(data: Pick<ReportData, 'warnings'>, at: ClaimPlace, colours: Pick<Colours, 'yellow'>): string[] {
  return data.warnings
    .filter((warning) => warning.at === at)
    .flatMap(({ text }) => wrap(visibleLine(text), 76).map((each, i) => colours.yellow(`${i === 0 ? '  ! ' : '    '}${each}`)));
}

/** A line that nobody who reads a rate of it should miss. */
function partial(here: number, { samples, problems, shards }: PartialExtent): string {
  const which = shards.length === 0 ? '' : `${shards.length === 1 ? 'shard' : 'shards'} ${shards.join(', ')}, `;
  return `partial: ${which}${whole(here)} of the experiment's ${plural(samples, 'sample')} of ${plural(problems, 'problem')}`;
}

function heading(name: string, count: string, share: string, interval: string, colours: Colours): string {
  return colours.dim(`  ${name.padEnd(NAME_WIDTH)}${count.padStart(7)}${share.padStart(9)}${interval.padStart(18)}`);
}

/** The decision with both shares, and what the stars in the table above mean. */
function feasibility(
  { feasibility: { outsideResidual, outsideOther, decision, undecided, threshold } }: ReportData,
  colours: Colours,
): string[] {
  const words = {
    proceed: colours.green(`above ${percent(threshold)}: proceed`),
    stop: colours.yellow(`not above ${percent(threshold)}: not yet`),
    undecided: undecided === 'partial' ? 'undecided: these are a part of the experiment' : 'nothing to decide by',
  }[decision];
  return [
    colours.dim('  * residual: no rule said more about the cause'),
    `  feasibility: failures outside residual categories: ${percent(outsideResidual.value)}, ${percentInterval(outsideResidual)}`,
    `  (outside 2.5, 3.10, 4.10 alone: ${percent(outsideOther.value)}, ${percentInterval(outsideOther)})`,
    `  lower end ${percent(outsideResidual.low)}, ${words}`,
  ];
}

function nameOf({ code, name, residual }: CategoryShare): string {
  return `${`${code ?? ''} `.padEnd(5)}${visibleLine(name)}${residual ? ' *' : ''}`;
}

function fit(text: string, width: number): string {
  return shorten(text, width).padEnd(width);
}

/** Eighths of a block, so that short bars differ too. */
function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * width * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]!;
}

function paintOf(outcome: CountedOutcome, colours: Colours): Paint {
  return {
    pass: colours.green,
    wrong: colours.yellow,
    crash: colours.red,
    load: colours.red,
    resource: colours.magenta,
    exit: colours.magenta,
    syntax: colours.blue,
    generation: colours.cyan,
    tamper: colours.white,
  }[outcome];
}
