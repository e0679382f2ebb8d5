/**
 * Short measurements for the stages that work on what is stored, `measure` and `classify`: on a few stored samples, and where there are none yet
 * on reference solutions in their place. Nothing of it is stored. The arithmetic is `estimate.ts`'s.
 */
import { plural } from '../reports/render/format.js';
import { unmeasuredVerdict, type ExceptionInfo, type Verdict } from '../sandbox/verdict.js';
import type { Store } from '../store/store.js';
import { measureText, type SampleToMeasure } from '../text-metrics/measure-text.js';
import { loadGrammar } from '../text-metrics/syntax-tree.js';
import { measuresBytes, showRate, type StageEstimate } from './estimate.js';
import { decide } from './execute.js';
import type { Ahead, ReferenceProgram } from './ahead.js';
import type { ClassifyOptions } from './classify.js';
import { referenceOf, References } from './measure.js';
import { secondsEach, spread } from './seconds-each.js';

/** Fewer samples are measured, or decided about, sooner than anybody reads an estimate of it. */
export const LITTLE_SAMPLES = 1_000;

/** Samples that are read to measure them. */
const TEXTS_MOST = 64;
/** Fewer from all over say less than as many as that of those that are left first. */
const TEXTS_LEAST = 16;
/** To spend: the code is long, and a text takes eight times as long before it is compiled. */
const MEASURE_SECONDS = 0.5;
const CLASSIFY_SECONDS = 0.2;
/** To read a judged sample, where none is there to be read; timed on the bundled run. */
export const READING_SECONDS = 0.00005;
/** What Node holds of the texts that it has just compared, beside the parser's grammar; seen with 16,400 samples. */
const TEXTS_BYTES = 64 * 2 ** 20;

/**
 * What is left to measure, `toCome` samples that this run stores before it included; null where that is little, and where `asked` is true only
 * if nothing is.
 */
export async function measureEstimate(
  { store, experimentId, problems }: Ahead,
  toCome: number,
  asked: boolean,
): Promise<StageEstimate | null> {
  const there = experimentId === null ? 0 : store.counts(experimentId).samples - store.measuredCount(experimentId);
  const left = there + toCome;
  if (left === 0 || (!asked && left < LITTLE_SAMPLES)) return null;
  await loadGrammar();
  const texts = experimentId === null || there === 0 ? [] : textsOf(store, experimentId, there);
  const compared = texts.length > 0 ? texts : solutionsOf(problems);
  const work = (text: SampleToMeasure): number => {
    measureText(text);
    return 1;
  };
  const each = secondsEach(compared, work, MEASURE_SECONDS);
  if (each === null) return null;
  return {
    seconds: left * each,
    atMost: false,
    onCpu: true,
    basis: `${plural(left, 'sample')}, ${showRate(1 / each)} measured on ${texts.length > 0 ? `${texts.length} of them` : 'reference solutions; longer texts take longer'}`,
    memoryBytes: TEXTS_BYTES,
    memoryOf: 'texts and their syntax trees',
    diskBytes: measuresBytes(left),
  };
}

/**
 * A few of those that are left, from all over: samples of one problem stand together, and problems differ. The first ones where a sample in so
 * many finds hardly any: the numbers of rows that are left may share a divisor, as those of what another run has left out do.
 */
function textsOf(store: Store, experimentId: number, left: number): SampleToMeasure[] {
  const some = everyNth(store, experimentId, Math.ceil(left / TEXTS_MOST));
  return some.length >= Math.min(left, TEXTS_LEAST) ? some : everyNth(store, experimentId, 1);
}

function everyNth(store: Store, experimentId: number, every: number): SampleToMeasure[] {
  const references = new References();
  const texts: SampleToMeasure[] = [];
  for (const { taskId, completion, canonicalSolution, tokens } of store.unmeasuredSamples(experimentId, every)) {
    texts.push({ completion, reference: references.of(taskId, canonicalSolution), tokens });
    if (texts.length === TEXTS_MOST) break;
  }
  return texts;
}

/** Solutions beside those of another problem, as a sample's length is not known before it is drawn. */
function solutionsOf(problems: readonly ReferenceProgram[]): SampleToMeasure[] {
  const some = spread(problems).slice(0, TEXTS_MOST);
  return some.map(({ canonicalSolution }, i) => ({
    completion: some[(i + 1) % some.length]!.canonicalSolution,
    reference: referenceOf(canonicalSolution),
  }));
}

/**
 * What deciding again takes about `verdicts`, stored ones and those to come; null where they are few, and where `asked` is true only if there are
 * none.
 */
export function classifyEstimate(
  { store, experimentId, problems }: Ahead,
  verdicts: number,
  asked: boolean,
  { view, tokensOf }: Pick<ClassifyOptions, 'view' | 'tokensOf'>,
): StageEstimate | null {
  if (verdicts === 0 || (!asked && verdicts < LITTLE_SAMPLES)) return null;
  const some = spread(problems);
  const stored =
    experimentId === null
      ? null
      : secondsEach(
          some,
          ({ taskId }) => {
            let decided = 0;
            for (const sample of store.judgedSamples(experimentId, { taskId })) {
              decide(sample, sample.verdict, view, tokensOf);
              decided++;
            }
            return decided;
          },
          CLASSIFY_SECONDS,
        );
  const deciding =
    stored ??
    secondsEach(some.slice(0, TEXTS_MOST), ({ prompt, canonicalSolution, entryPoint }) => {
      for (const verdict of FAILURES)
        decide({ prompt, completion: canonicalSolution, entryPoint, finishReason: 'function' }, verdict, view);
      return FAILURES.length;
    });
  if (deciding === null) return null;
  const each = stored ?? deciding + READING_SECONDS;
  return {
    seconds: verdicts * each,
    atMost: false,
    onCpu: true,
    basis: `${plural(verdicts, 'verdict')}, ${showRate(1 / each)} measured on ${stored === null ? 'reference solutions, as if they had failed' : 'stored ones'}`,
    memoryBytes: TEXTS_BYTES,
    memoryOf: 'texts and decisions',
    // One is replaced by another.
    diskBytes: 0,
  };
}

const RAISED: ExceptionInfo = {
  type: 'NameError',
  bases: ['NameError', 'Exception', 'BaseException'],
  message: "name 'x' is not defined",
  frames: [],
  line: null,
  column: null,
  node: 'other',
  statement: null,
  locals: [],
};

/** Two that the rules take long about: what does not parse, and what raises. */
const FAILURES: readonly Verdict[] = [
  unmeasuredVerdict(
    { status: 'syntax', exception: { ...RAISED, type: 'SyntaxError', bases: ['SyntaxError', 'Exception'], line: 1 } },
    'compile',
  ),
  unmeasuredVerdict({ status: 'exception', phase: 'call', exception: RAISED }, 'call'),
];
