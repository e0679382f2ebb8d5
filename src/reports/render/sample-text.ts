/**
 * One sample for a terminal: its program with the failing line marked, what it came to, and how likely its tokens were. Everything of a
 * sample is hostile text, and comes out harmless. Without colours it is a function of its arguments alone.
 */
import type picocolors from 'picocolors';
import type { JudgedSample } from '../../store/types.js';
import { meanEntropy } from '../../text-metrics/token-values.js';
import { describeFailure } from '../describe.js';
import { decimal, plural } from './format.js';
import { MOST_CHARACTERS, programText } from './program-text.js';
import { shorten, visibleLine } from './visible.js';

/** A token as it was drawn; `text` is null where nobody can spell it. */
export interface DrawnToken {
  readonly token: number;
  readonly text: string | null;
  readonly logprob: number;
  readonly entropy: number;
}

export interface SampleTextOptions {
  readonly colours: ReturnType<typeof picocolors.createColors>;
  /** How many tokens are listed, the least likely ones, in their order; Infinity: all. */
  readonly most: number;
}

/** Several lines, without a newline at the end. */
export function sampleText(experiment: string, sample: JudgedSample, tokens: readonly DrawnToken[], options: SampleTextOptions): string {
  const { colours } = options;
  const { verdict } = sample;
  const failure = describeFailure(verdict);
  const category = sample.categoryCode === null ? '' : `, ${sample.categoryCode} ${sample.categoryName}`;
  const paint = verdict.passed ? colours.green : colours.red;
  const line = (text: string): string => shorten(visibleLine(text), MOST_CHARACTERS);
  const failing = failure.line ?? sample.place?.line ?? null;
  const at = failing === null ? null : { line: failing, column: failure.column ?? sample.place?.column ?? null };
  const facts: [string, string | null][] = [
    ['rule', sample.rule === null ? null : `${sample.rule}: ${sample.evidence}`],
    ['at', placeOf(sample)],
    ['busy at', busyAt(sample)],
    ['assertion', failure.assertion?.source ?? null],
    ['returned', failure.assertion === null ? null : valueOf(failure.assertion.returned, failure.assertion.returnedType)],
    ['expected', failure.assertion === null ? null : valueOf(failure.assertion.expected, failure.assertion.expectedType)],
    ...localsOf(sample),
    ['arguments', changedArguments(sample)],
    ['printed', verdict.measurements.stdout === '' ? null : verdict.measurements.stdout],
    ['tags', sample.tags.length === 0 ? null : sample.tags.join(' ')],
    [
      'took',
      `${verdict.measurements.cpuSeconds.toFixed(3)} s of CPU time, ${(verdict.measurements.peakMemoryBytes / 2 ** 20).toFixed(0)} MiB` +
        (verdict.measurements.nearLimit ? ', near a limit' : ''),
    ],
  ];
  return [
    `${colours.bold(line(`${sample.taskId}, sample ${sample.sampleIndex}`))} of ${line(experiment)} (${sample.strategy}): ${paint(line(`${sample.outcome}${category}`))}`,
    ...(verdict.passed ? [] : [paint(line(failure.headline))]),
    '',
    ...programText(sample, verdict.passed ? null : at, colours),
    '',
    ...facts.flatMap(([name, text]) => (text === null ? [] : [`${colours.dim(name.padEnd(10))}${line(text)}`])),
    '',
    ...tokenLines(sample, tokens, options),
  ].join('\n');
}

function placeOf({ place, node, tokens }: JudgedSample): string | null {
  if (place === null) return null;
  const column = place.column === null ? '' : `, column ${place.column}`;
  const held =
    tokens === null ? '' : tokens.first === tokens.last ? `, token ${tokens.first}` : `, tokens ${tokens.first} to ${tokens.last}`;
  return `line ${place.line}${column}${held}${node === null ? '' : ` (${node})`}`;
}

/** The loop that met the limit, more likely than not. Beside the results and no failing line of theirs: another run may be stopped elsewhere. */
function busyAt({ verdict: { measurements } }: JudgedSample): string | null {
  const frame = measurements.stack?.findLast(({ where }) => where !== 'library');
  return frame === undefined ? null : `line ${frame.line} in ${frame.function} when it met the limit; another run may stop elsewhere`;
}

/** Null where no call changed one, or nobody counted. */
function changedArguments({ verdict: { measurements } }: JudgedSample): string | null {
  const { calls, changedCalls } = measurements;
  return changedCalls === null || changedCalls === 0 ? null : `changed by ${changedCalls} of ${plural(calls, 'call')}`;
}

function localsOf({ verdict: { outcome } }: JudgedSample): [string, string][] {
  const locals = 'exception' in outcome && outcome.exception !== null ? outcome.exception.locals : [];
  return locals.map(({ name, value }, index) => [index === 0 ? 'locals' : '', `${name} = ${value}`]);
}

function valueOf(text: string | null, type: string | null): string {
  return text === null ? 'not known' : `${text}${type === null ? '' : ` (${type})`}`;
}

function tokenLines(sample: JudgedSample, tokens: readonly DrawnToken[], { colours, most }: SampleTextOptions): string[] {
  if (tokens.length === 0) return ['no tokens'];
  const listed = tokens
    .map((token, index) => ({ ...token, index }))
    .sort((a, b) => a.logprob - b.logprob || a.index - b.index)
    .slice(0, most)
    .sort((a, b) => a.index - b.index);
  const width = String(tokens.length - 1).length;
  const entropy = meanEntropy({ logprobs: tokens.map((token) => token.logprob), entropies: tokens.map((token) => token.entropy) });
  const which = listed.length < tokens.length ? `; the ${listed.length} least likely` : '';
  return [
    `${plural(tokens.length, 'token')}, ended by ${sample.finishReason}: ` +
      `mean log-probability ${decimal(sample.meanLogprob, 3)}, entropy ${decimal(entropy, 3)}${which}`,
    colours.dim(`  ${'#'.padStart(width)}  log-prob.  entropy  token`),
    ...listed.map(({ index, token, text, logprob, entropy }) => {
      const isFailing = sample.tokens !== null && index >= sample.tokens.first && index <= sample.tokens.last;
      const spelled = text === null ? `${token}` : `${token} ${JSON.stringify(visibleLine(text))}`;
      const row = `${isFailing ? '>' : ' '} ${String(index).padStart(width)}  ${decimal(logprob, 3).padStart(9)}  ${decimal(entropy, 3).padStart(7)}  ${spelled}`;
      return isFailing ? colours.red(row) : row;
    }),
  ];
}
