/**
 * What a run will take of time, memory and disk: the arithmetic and the words. What goes in is measured or planned elsewhere
 * (`calibration.ts`); measures nothing itself.
 */
import { statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { whole } from '../reports/render/format.js';
import { showDuration } from './progress.js';

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

/** Bytes of a sample's rows in the database, and of its line in three exported files, without its texts; counted on the bundled run. */
const ROW_BYTES = 2_000;
/** A token's id, log-probability and entropy. */
const ARRAY_BYTES = 3 * 4;
/** A token's text, in the database and in three exported files; four characters a token in English, three in the bundled run. */
const TEXT_BYTES = 4 * 4;

/** Bytes that `samples` of `tokens` each, with their verdicts, take on disk. */
export function sampleBytes(samples: number, tokens: number): number {
  return samples * (ROW_BYTES + tokens * (ARRAY_BYTES + TEXT_BYTES));
}

/**
 * One estimate of several stages, in the order in which they run; null without any. Of a stage beside the one before it the longer
 * counts, unless both need the same cores: then the sum does.
 * `database` tells whose disk is looked at.
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
