/**
 * Short measurements for the stage `report`: one area of the text view and one ratio, with few resamples of made-up samples, and stored samples read. Nothing
 * of it is stored. The arithmetic is `estimate.ts`'s.
 */
import { plural } from '../reports/render/format.js';
import { aurocByProblem } from '../reports/statistics/auroc.js';
import { Bootstrap } from '../reports/statistics/bootstrap.js';
import { LEAST } from '../reports/text-view.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import type { Ahead } from './ahead.js';
import { LITTLE_SAMPLES, READING_SECONDS } from './calibration-texts.js';
import { reportBytes, reportSeconds, type ReportCosts, type StageEstimate } from './estimate.js';
import { secondsEach, spread } from './seconds-each.js';

/** Made-up samples at most: an area of so many takes milliseconds, and its intervals take most of that. */
const AREA_SAMPLES_MOST = 20_000;
/** Steps of an area's resamples that are timed: pairs of problems, each time. */
const PAIRS_MOST = 5_000_000;
const FEW_RESAMPLES = 9;
const RESAMPLES_MOST = 199;
/** Share of the samples that must have a verdict before their categories stand for those of all. */
const TELLING = 0.1;
/** Of the numbers, the figures and the page, and of what a sample adds; seen with 200 and with 16,400 samples. */
const REPORT_MEMORY = 128 * 2 ** 20;
const SAMPLE_MEMORY = 10 * 2 ** 10;

/**
 * What a report of `samples` with a verdict takes, those included that are to come; null where they are few, and where `asked` is true only if there are
 * none. Which categories there will be is known from a tenth of the verdicts on: before that, as many are taken as there can be.
 * @param tokens of a sample, or a bound
 */
export function reportEstimate(
  { store, experimentId, problems }: Ahead,
  { samples, tokens }: { readonly samples: number; readonly tokens: number },
  asked: boolean,
): StageEstimate | null {
  if (samples === 0 || (!asked && samples < LITTLE_SAMPLES)) return null;
  const counts = experimentId === null ? null : store.counts(experimentId);
  const judged = counts?.executed ?? 0;
  const known = counts !== null && judged >= TELLING * samples;
  // Of all leaves, as many as can be large enough.
  const most = Math.min(CATEGORIES.length, Math.floor(samples / LEAST.samples));
  const categories = known
    ? counts.categories.map(({ count }) => (count * samples) / judged)
    : Array.from({ length: most }, () => samples / most);
  const reading =
    experimentId === null ? null : secondsEach(spread(problems), ({ taskId }) => countOf(store.judgedSamples(experimentId, { taskId })));
  const costs = { ...intervalCosts(problems.length, samples), reading: reading ?? READING_SECONDS };
  const large = categories.filter((count) => count >= LEAST.samples).length;
  return {
    seconds: reportSeconds({ samples, problems: problems.length, categories }, costs),
    atMost: !known,
    onCpu: true,
    basis: `${plural(samples, 'sample')} of ${plural(problems.length, 'problem')} in ${known ? '' : 'up to '}${plural(large, 'category', 'categories')}, intervals measured on made-up samples`,
    memoryBytes: REPORT_MEMORY + samples * SAMPLE_MEMORY,
    memoryOf: 'figures, page and a row of each sample',
    diskBytes: reportBytes(samples, tokens),
  };
}

/** What intervals over `problems` cost, from an area and a ratio with few resamples. */
function intervalCosts(problems: number, samples: number): Omit<ReportCosts, 'reading'> {
  const size = Math.max(1, problems);
  const many = Math.max(2 * FEW_RESAMPLES, Math.min(RESAMPLES_MOST, Math.floor(PAIRS_MOST / size ** 2)));
  const count = Math.min(AREA_SAMPLES_MOST, Math.max(1, samples));
  const places = Array.from({ length: count }, (_, i) => i);
  const scored = {
    scores: Float64Array.from(places),
    // Each problem has both, one in four of the class, and they stand among each other.
    positive: Uint8Array.from(places, (i) => Number(Math.floor(i / size) % 4 === 0)),
    problems: Int32Array.from(places, (i) => (i * 7919) % size),
  };
  const drawing = secondsEach([many], (resamples) => new Bootstrap(size, { resamples }).resamples)!;
  const timed = (resamples: number): number => {
    const bootstrap = new Bootstrap(size, { resamples });
    return secondsEach([scored], (each) => Number(aurocByProblem(bootstrap, each).byProblem.length > 0))!;
  };
  const [few, more] = [timed(FEW_RESAMPLES), timed(many)];
  const areaResample = Math.max(0, more - few) / (many - FEW_RESAMPLES);
  const ratios = new Bootstrap(size, { resamples: many });
  const shares = Float64Array.from({ length: size }, (_, i) => i % 3);
  const ratioResample =
    secondsEach([shares], (each) => {
      // Sums of what was asked for before are remembered.
      ratios.ratio(Float64Array.from(each), each);
      return 1;
    })! / many;
  return { drawing, areaResample, area: Math.max(0, few - FEW_RESAMPLES * areaResample), ratioResample };
}

function countOf(rows: Iterable<unknown>): number {
  const iterator = rows[Symbol.iterator]();
  let count = 0;
  while (iterator.next().done !== true) count++;
  return count;
}
