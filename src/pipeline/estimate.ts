/**
 * What a run will take of time, memory and disk: the arithmetic and the words. What goes in is measured or planned elsewhere
 * (`calibration.ts`); measures nothing itself.
 */
import { statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { whole } from '../reports/render/format.js';
import { RESAMPLES } from '../reports/statistics/bootstrap.js';
import { AREAS, LEAST, AREA_RESAMPLES } from '../reports/text-view.js';
import { showDuration, type Progress } from './progress.js';

/** One stage's part. */
export interface StageEstimate {
  readonly seconds: number;
  /** Whether `seconds` is a bound, as where every sample is taken to be as long as it may be. */
  readonly atMost: boolean;
  /** Whether the machine's own cores do the work; stages side by side that both need them take turns. */
  readonly onCpu: boolean;
  /** What the time rests on, in words. */
  readonly basis: string;
  readonly memoryBytes: number;
  /** What takes the memory, in words. */
  readonly memoryOf: string;
  /** Of the database, the arrays beside it and the exported files. */
  readonly diskBytes: number;
}

export interface RunEstimate {
  readonly seconds: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Where the database is, or will be; null where the file system does not say. */
  readonly freeDiskBytes: number | null;
  readonly stages: readonly (StageEstimate & { readonly stage: string })[];
}

/** Tokens drawn in two goes over the same prompts, a short one and a long one, and the seconds that each took. */
export interface DrawMeasurement {
  readonly prompts: number;
  readonly short: { readonly tokens: number; readonly seconds: number };
  readonly long: { readonly tokens: number; readonly seconds: number };
}

export interface DrawRate {
  readonly secondsPerPrompt: number;
  readonly secondsPerToken: number;
}

/**
 * What a prompt and what a token costs. The goes differ in tokens alone, so that the difference of their times is those tokens'; what is
 * left of the short one is the prompts'. Where noise makes the difference nothing or less, all time counts as the tokens'.
 */
export function drawRate({ prompts, short, long }: DrawMeasurement): DrawRate {
  const [tokens, seconds] = [long.tokens - short.tokens, long.seconds - short.seconds];
  const secondsPerToken = tokens > 0 && seconds > 0 ? seconds / tokens : long.seconds / Math.max(1, long.tokens);
  return { secondsPerToken, secondsPerPrompt: Math.max(0, short.seconds - short.tokens * secondsPerToken) / Math.max(1, prompts) };
}

/** Seconds for `samples` of `tokens` each, over so many prompts. */
export function drawSeconds(work: { readonly prompts: number; readonly samples: number; readonly tokens: number }, rate: DrawRate): number {
  return work.prompts * rate.secondsPerPrompt + work.samples * work.tokens * rate.secondsPerToken;
}

/** Bytes of a sample's row in the database with its indices, without its texts; this and the next three counted on the bundled run. */
const SAMPLE_BYTES = 200;
/** Of its verdict and decision. */
const VERDICT_BYTES = 900;
/** Of its text measures. */
const MEASURES_BYTES = 140;
/** Of its line in each of three exported files together, without its texts. */
const EXPORT_BYTES = 900;
/** A token's id, log-probability and entropy. */
const ARRAY_BYTES = 3 * 4;
/** A token's text; four characters a token in English, three in the bundled run. */
const TEXT_BYTES = 4;
/** The page, the figures and the tables, which hardly grow with the samples. */
const REPORT_BYTES = 3 * 2 ** 20;

/** Bytes that `samples` of `tokens` each take on disk, with their arrays. */
export function sampleBytes(samples: number, tokens: number): number {
  return samples * (SAMPLE_BYTES + tokens * (ARRAY_BYTES + TEXT_BYTES));
}

/** Bytes that so many verdicts take on disk, with their decisions. */
export function verdictBytes(verdicts: number): number {
  return verdicts * VERDICT_BYTES;
}

/** Bytes that the text measures of `samples` take on disk. */
export function measuresBytes(samples: number): number {
  return samples * MEASURES_BYTES;
}

/** Bytes of a report's files, which stand beside those that they replace until they are whole. `tokens`: of each sample. */
export function reportBytes(samples: number, tokens: number): number {
  return REPORT_BYTES + samples * (EXPORT_BYTES + 3 * tokens * TEXT_BYTES);
}

/** Bytes of a sample's line in an output file, without its text. */
const LINE_BYTES = 200;
/** A token's id and log-probability as JSON. */
const ARRAY_TEXT_BYTES = 30;

/** How often a line of `generate` or `execute` stands on disk until the output is whole: in the unfinished file, and in the output. */
const COPIES = 2;

/** Bytes on disk of the lines of `generate` for so many samples of `tokens` each; `arrays`: with what `--logprobs` adds. */
export function sampleLinesBytes(samples: number, tokens: number, arrays: boolean): number {
  return COPIES * samples * (LINE_BYTES + tokens * (TEXT_BYTES + (arrays ? ARRAY_TEXT_BYTES : 0)));
}

/** The same of the lines of `execute` for these lines of samples. */
export function verdictLinesBytes(lines: readonly string[]): number {
  return COPIES * (sum(lines.map(({ length }) => length)) + verdictBytes(lines.length));
}

/** What a report is made of, as far as its time depends on it. */
export interface ReportShape {
  /** Samples with a verdict. */
  readonly samples: number;
  readonly problems: number;
  /** How many samples each category has. */
  readonly categories: readonly number[];
}

/** What parts of a report cost, in seconds. */
export interface ReportCosts {
  /** To read a judged sample. */
  readonly reading: number;
  /** An area's part that does not depend on the resamples. */
  readonly area: number;
  /** And what a resample adds, where all problems have samples of the class. */
  readonly areaResample: number;
  /** To draw a resample of all problems. */
  readonly drawing: number;
  /** To find a ratio in a resample. */
  readonly ratioResample: number;
}

/** All that a report does with a sample, in readings of it: it is read three times, ordered by each measure and written. Timed with 16,400 samples. */
const READINGS = 9;
/** Ratios of a report with their intervals: 120 with few samples, 160 with many. */
const RATIOS = 160;
/** Figures, tables and page, the plotting library loaded; timed on two cores. */
const PAGE_SECONDS = 1.5;

/**
 * Seconds of a report. Its intervals resample problems, and those of the text view's areas take most of the time: in each resample an area
 * goes through all pairs of problems of which one has samples of the class.
 */
export function reportSeconds({ samples, problems, categories }: ReportShape, costs: ReportCosts): number {
  const areaOf = (positives: number): number => {
    // So many fall on that share of the problems, if chance deals them out.
    const share = 1 - Math.exp(-positives / Math.max(1, problems));
    return costs.area + AREA_RESAMPLES * costs.areaResample * share * (2 - share);
  };
  return (
    PAGE_SECONDS +
    samples * READINGS * costs.reading +
    (RESAMPLES + AREA_RESAMPLES) * costs.drawing +
    RATIOS * RESAMPLES * costs.ratioResample +
    AREAS.overall * areaOf(samples) +
    sum(categories.filter((count) => count >= LEAST.samples).map((count) => AREAS.ofCategory * areaOf(count)))
  );
}

/**
 * One estimate of several stages, in the order in which they run; null without any. Of a stage beside the one before it the longer
 * counts, unless both need the same cores: then the sum does.
 * `database` tells whose disk is looked at, as does any other output in its place.
 */
export function joinEstimates(
  parts: readonly (StageEstimate & { readonly stage: string; readonly beside: boolean })[],
  database: string,
): RunEstimate | null {
  if (parts.length === 0) return null;
  let seconds = 0;
  parts.forEach((part, index) => {
    const last = index === 0 ? null : parts[index - 1]!;
    const overlaps = part.beside && last !== null && !(part.onCpu && last.onCpu);
    seconds += overlaps ? Math.max(0, part.seconds - last.seconds) : part.seconds;
  });
  return {
    seconds,
    memoryBytes: sum(parts.map(({ memoryBytes }) => memoryBytes)),
    diskBytes: sum(parts.map(({ diskBytes }) => diskBytes)),
    freeDiskBytes: freeBytes(database),
    stages: parts.map((part) => ({
      stage: part.stage,
      seconds: part.seconds,
      atMost: part.atMost,
      onCpu: part.onCpu,
      basis: part.basis,
      memoryBytes: part.memoryBytes,
      memoryOf: part.memoryOf,
      diskBytes: part.diskBytes,
    })),
  };
}

/** The lines that people read: the whole, then each stage. */
export function describeEstimate({ seconds, memoryBytes, diskBytes, freeDiskBytes, stages }: RunEstimate): string[] {
  const bound = stages.some(({ atMost }) => atMost) ? 'at most' : 'about';
  const disk = `disk ${showBytes(diskBytes)}${freeDiskBytes === null ? '' : ` of ${showBytes(freeDiskBytes)} free`}`;
  return [
    `estimate: ${bound} ${showDuration(seconds)}, memory up to ${showBytes(memoryBytes)}, ${disk}`,
    ...stages.map(
      (part) =>
        `  ${part.stage}: ${part.atMost ? 'at most' : 'about'} ${showDuration(part.seconds)} (${part.basis}); memory up to ${showBytes(part.memoryBytes)} (${part.memoryOf})`,
    ),
    ...(freeDiskBytes !== null && diskBytes > freeDiskBytes
      ? ['  that is more than the disk has free; what is finished stays when it fills, and the same command goes on']
      : []),
  ];
}

/** Tells people of an estimate, where there is one. */
export function noteEstimate(estimate: RunEstimate | null, progress: Progress): void {
  if (estimate !== null) for (const line of describeEstimate(estimate)) progress.note(line);
}

/** `1,365/s`, and fewer than ten with a digit more. */
export function showRate(perSecond: number): string {
  return `${perSecond >= 10 ? whole(Math.round(perSecond)) : perSecond.toFixed(1)}/s`;
}

/** `12 MiB`, `3.4 GiB`. */
export function showBytes(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return `${Math.max(1, Math.round(bytes / 2 ** 20))} MiB`;
}

function freeBytes(database: string): number | null {
  for (let folder = dirname(resolve(database)); ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize;
    } catch {
      // The folder is yet to be made: those above it are on the same disk, as far as anybody can tell.
      if (folder === dirname(folder)) return null;
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
