/**
 * How many tokens a second does faultline sample for one prompt, next to node-llama-cpp on the same cores?
 *
 *   node benchmarks/e2e/generate-vs-node-llama-cpp.mjs [--samples 100] [--prompt 150] [--new 128] [--trials 3]
 *        [--threads 2] [--dtypes float32,bfloat16,int8] [--weights Q8_0,BF16,F16,F32] [--sequences 1,8,32,64,100]
 *        [--peer-threads 1,2] [--finalists 3 | --finalists-per-format] [--screen-new 16] [--own-samples 1,8,32,100,512]
 *        [--peer-only] [--json F]
 *
 * A GPT-2 of 124M's shape with random weights; temperature 0.8, top-p 0.95; no early stop in either engine, and every
 * sample's token count is checked. The peer's settings (weight formats x sequences per batch, and the best of each format at
 * other numbers of threads) are screened with short samples; the best --finalists of them, or the best of each format, then run at
 * full length, alternating with ours, each trial in a fresh process, best of several. The peer's best counts; the ratio to the one with
 * weights of our precision (float32: F32, bfloat16: BF16, int8: Q8_0) is printed too, where it ran. The peer gets flash attention, and
 * the prompt's state evaluated once and loaded into every sequence, which is more than its obvious use does (also measured, as
 * `prompt evaluated per sample`).
 *
 * End to end: all tokens / time from the prompt's text, which each engine's own tokenizer cuts, to the last token; model load apart. Decode: tokens after each
 * sample's first / time beyond that of the same call with one token per sample. Memory is what the process holds that no file
 * backs, at its largest. At the end ours runs with other numbers of samples (--own-samples; 0: none), without the peer. Exits with 1 when the engines turn
 * out not to compute the same model.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { listOf, oneOf, output, parseFlags, wholeNumber } from '../lib/flags.mjs';
import { describeMachine, foreignShare, machineLine, printReadmeRows, ROOT, warnIfBusy } from '../lib/machine.mjs';
import { promptOf } from '../lib/prompt-text.mjs';
import { GPT2_124M, randomGpt2 } from '../lib/random-gpt2.mjs';
import { markdownTable } from '../lib/table.mjs';
import { trialInFreshProcess } from '../lib/trial.mjs';

/** What the peer calls weights of the same precision. @type {Record<string, string>} */
const SAME_PRECISION = { float32: 'F32', bfloat16: 'BF16', int8: 'Q8_0' };
/** Tokens of a prompt or a sample, beside which one more has to fit. */
const inContext = wholeNumber(1, GPT2_124M.context - 1);
const flags = parseFlags(import.meta.url, {
  samples: { type: 'string', default: '100', check: wholeNumber() },
  prompt: { type: 'string', default: '150', check: inContext },
  new: { type: 'string', default: '128', check: inContext },
  trials: { type: 'string', default: '3', check: wholeNumber() },
  threads: { type: 'string', default: '2', check: wholeNumber() },
  dtypes: { type: 'string', default: 'float32,bfloat16,int8', check: listOf(oneOf(Object.keys(SAME_PRECISION))) },
  weights: { type: 'string', default: 'Q8_0,BF16,F16,F32', check: listOf(oneOf(['Q8_0', 'BF16', 'F16', 'F32'])) },
  sequences: { type: 'string', default: '1,8,32,64,100', check: listOf(wholeNumber()) },
  'peer-threads': { type: 'string', default: powersOfTwo(os.availableParallelism()).join(','), check: listOf(wholeNumber()) },
  'own-samples': { type: 'string', default: '1,8,32,100,512', check: listOf(wholeNumber(0)) },
  finalists: { type: 'string', default: '3', check: wholeNumber() },
  'finalists-per-format': { type: 'boolean', default: false },
  'screen-new': { type: 'string', default: '16', check: inContext },
  'peer-only': { type: 'boolean', default: false },
  json: { type: 'string', check: output },
});
const samples = Number(flags.samples);
const newTokens = Number(flags.new);
const trials = Number(flags.trials);
const threads = Number(flags.threads);
const weights = flags.weights.split(',');
const dtypes = flags['peer-only'] ? [] : flags.dtypes.split(',');
const sequencesList = [...new Set(flags.sequences.split(',').map((n) => Math.min(samples, Number(n))))];

const script = (/** @type {string} */ name) => path.join(path.dirname(fileURLToPath(import.meta.url)), 'trials', `${name}.mjs`);
if (dtypes.length > 0 && !fs.existsSync(path.join(ROOT, 'dist', 'engine', 'token-model.js'))) {
  throw new Error('faultline is not built: run `npm run build` first, or measure the peer alone with --peer-only');
}

const machine = describeMachine();
say(`Machine: ${machineLine(machine)}`);
await warnIfBusy();
const seed = 1;
const ggufFormats = /** @type {import('../lib/random-gpt2.mjs').Format[]} */ (
  [...new Set([...weights, 'F32'])].map((type) => `gguf-${type}`)
);
const paths = randomGpt2({ seed, formats: ['hf-F32', ...ggufFormats] });
const { text: promptText, tokens: prompt } = await promptOf(Number(flags.prompt), paths['hf-F32']);
const common = { promptText, promptTokens: prompt.length, samples, newTokens, temperature: 0.8, topP: 0.95, threads };

/**
 * @typedef {object} Contestant
 * @property {'faultline' | 'node-llama-cpp'} engine
 * @property {string} setting
 * @property {string} script
 * @property {Record<string, unknown>} settings what the trial script gets
 * @property {Trial[]} trials
 */
/**
 * @typedef {object} Trial
 * @property {number} loadSeconds
 * @property {number} firstTokenSeconds
 * @property {number} seconds
 * @property {number} cpuSeconds of all threads, in the same time
 * @property {number} peakAnonymousMiB
 * @property {number[]} counts
 * @property {number} distinct
 * @property {number[][]} [tokens]
 * @property {number} [entropy]
 * @property {string} isa
 * @property {number} threads
 * @property {number} others
 * @property {number} stolen
 */

/** @param {string} type @param {number} sequences @param {'shared' | 'each'} prefill @returns {Contestant} */
const peer = (type, sequences, prefill, count = threads) => ({
  engine: 'node-llama-cpp',
  setting: `${type}, ${sequences} sequences${count === threads ? '' : `, threads: ${count}`}${prefill === 'each' ? ', prompt evaluated per sample' : ''}`,
  script: script('generate-node-llama-cpp'),
  settings: { ...common, modelPath: paths[/** @type {'gguf-F32'} */ (`gguf-${type}`)], sequences, prefill, threads: count },
  trials: [],
});
/** @param {string} dtype @returns {Contestant} */
const own = (dtype) => ({
  engine: 'faultline',
  setting: dtype,
  script: script('generate-faultline'),
  settings: { ...common, modelPath: paths['hf-F32'], dtype },
  trials: [],
});

/** One trial in a fresh process; an engine that did not generate what was asked has no figure. */
async function trial(/** @type {Contestant} */ contestant, /** @type {Record<string, unknown>} */ overrides = {}) {
  const settings = /** @type {Record<string, unknown>} */ ({ ...contestant.settings, ...overrides });
  /** @type {Trial} */
  const result = await trialInFreshProcess(contestant.script, settings);
  const [wanted, asked] = [settings.newTokens, settings.samples];
  if (result.counts.length !== asked || result.counts.some((count) => count !== wanted)) {
    throw new Error(
      `${contestant.engine} ${contestant.setting}: wanted ${asked} samples of ${wanted} tokens, got ${result.counts.join(' ')}`,
    );
  }
  return result;
}

const rateOf = (/** @type {Trial} */ t, length = newTokens) => (samples * length) / t.seconds;
const decodeRateOf = (/** @type {Trial} */ t) => (samples * (newTokens - 1)) / (t.seconds - t.firstTokenSeconds);
const best = (/** @type {Contestant} */ c, /** @type {(t: Trial) => number} */ rate) => Math.max(...c.trials.map((t) => rate(t)));

const formatOf = (/** @type {Contestant} */ { setting }) => setting.split(', ')[0];
const withoutFormat = (/** @type {Contestant} */ { setting }) => setting.split(', ').slice(1).join(', ');

const bestTrial = (/** @type {Contestant} */ c) => c.trials.reduce((a, b) => (b.seconds < a.seconds ? b : a));

const agreement = flags['peer-only'] ? null : await compareModels();

say(`\nScreening the peer: ${weights.length} weight formats x ${sequencesList.length} batch sizes, ${flags['screen-new']} new tokens each`);
/** @type {{contestant: Contestant, rate: number, memory: number}[]} */
const screened = [];
for (const type of weights) {
  for (const sequences of sequencesList) await screen(peer(type, sequences, 'shared'));
  // Which number of threads is best differs between formats.
  const { settings: leader } = byRate().filter(({ contestant }) => formatOf(contestant) === type)[0].contestant;
  for (const count of flags['peer-threads'].split(',').map(Number)) {
    if (count !== threads) await screen(peer(type, /** @type {number} */ (leader.sequences), 'shared', count));
  }
}
if (screened.length > weights.length) {
  const columns = [...new Set(screened.map(({ contestant }) => withoutFormat(contestant)))];
  say(`\nThe peer, tokens/s and memory that no file backs; ${threads} threads but where it says so:`);
  say(
    markdownTable(
      ['weights', ...columns],
      weights.map((type) => [
        type,
        ...columns.map((column) => {
          const found = screened.find(({ contestant }) => formatOf(contestant) === type && withoutFormat(contestant) === column);
          return found === undefined ? '' : `${found.rate.toFixed(1)}, ${found.memory.toFixed(0)} MiB`;
        }),
      ]),
    ),
  );
}
const ranking = byRate().map(({ contestant }) => contestant);
const finalists = flags['finalists-per-format']
  ? ranking.filter((contestant, i) => ranking.findIndex((other) => formatOf(other) === formatOf(contestant)) === i)
  : ranking.slice(0, Number(flags.finalists));
const contestants = [...dtypes.map(own), ...finalists];

say(`\n${trials} trials, alternating: ${samples} samples x ${newTokens} tokens of one ${prompt.length}-token prompt, ${threads} threads`);
for (let round = 1; round <= trials; round++) {
  for (const contestant of contestants) await measure(contestant, round);
}
// What a program gets that does not know of state files; once is enough for a figure that does not count. One sample shares no state.
if (samples > 1) {
  const { sequences, threads: count } = /** @type {any} */ (finalists[0].settings);
  const obvious = peer(formatOf(finalists[0]), sequences, 'each', count);
  await measure(obvious, 1);
  contestants.push(obvious);
}

const peers = contestants.filter(({ engine }) => engine === 'node-llama-cpp');
const owns = contestants.filter(({ engine }) => engine === 'faultline');
const bestPeer = peers.reduce((a, b) => (best(b, rateOf) > best(a, rateOf) ? b : a));
const bestPeerDecode = Math.max(...peers.map((c) => best(c, decodeRateOf)));
say('');
say(
  markdownTable(
    [
      'engine',
      'setting',
      'end to end, tokens/s',
      'decode, tokens/s',
      'CPU ms/token',
      'load, s',
      'memory, MiB',
      'tokens',
      'distinct samples',
      'threads',
      'peer’s best / this (end to end)',
    ],
    contestants.map((c) => {
      const t = bestTrial(c);
      return [
        c.engine,
        c.setting,
        best(c, rateOf).toFixed(1),
        best(c, decodeRateOf).toFixed(1),
        ((1000 * t.cpuSeconds) / (samples * newTokens)).toFixed(2),
        t.loadSeconds.toFixed(2),
        t.peakAnonymousMiB.toFixed(0),
        String(t.counts.reduce((sum, n) => sum + n, 0)),
        String(t.distinct),
        String(t.threads),
        (best(bestPeer, rateOf) / best(c, rateOf)).toFixed(2),
      ];
    }),
  ),
);
for (const c of [owns[0], bestPeer]) if (c !== undefined) say(`\nISA of ${c.engine}: ${c.trials[0].isa.trim()}`);
for (const c of owns) {
  say(`\n${c.setting}: mean entropy of its samples' next-token distributions ${c.trials[0].entropy?.toFixed(2)} nats`);
  say(
    markdownTable(
      ['peer setting', `faultline ${c.setting} / peer, end to end`, 'decode'],
      peers.map((p) => [p.setting, ratio(best(c, rateOf), best(p, rateOf)), ratio(best(c, decodeRateOf), best(p, decodeRateOf))]),
    ),
  );
}
/** The peer's best setting with weights of the same precision, where one was a finalist. */
const equalOf = (/** @type {Contestant} */ { setting }) =>
  peers.filter((p) => formatOf(p) === SAME_PRECISION[setting]).toSorted((a, b) => best(b, rateOf) - best(a, rateOf))[0];
const equals = owns.flatMap((c) => (equalOf(c) === undefined ? [] : [{ c, equal: equalOf(c) }]));
if (equals.length > 0) {
  say("\nAt equal weight precision, end to end from the prompt's text:");
  say(
    markdownTable(
      ['faultline', 'tokens/s', 'peer', 'tokens/s', 'ratio', 'decode', 'first token, ms', 'of the peer'],
      equals.map(({ c, equal }) => [
        c.setting,
        best(c, rateOf).toFixed(1),
        equal.setting,
        best(equal, rateOf).toFixed(1),
        ratio(best(c, rateOf), best(equal, rateOf)),
        ratio(best(c, decodeRateOf), best(equal, decodeRateOf)),
        ...[c, equal].map((one) => (1000 * Math.min(...one.trials.map((t) => t.firstTokenSeconds))).toFixed(0)),
      ]),
    ),
  );
}
printReadmeRows(
  foreignShare([...owns, bestPeer, ...equals.map(({ equal }) => equal)].map(bestTrial)),
  machine,
  owns.map((c) => [
    `generate, ${c.setting}: ${samples} x ${newTokens} tokens of one ${prompt.length}-token prompt, ${threads} threads`,
    `${best(c, rateOf).toFixed(0)} tokens/s`,
    `node-llama-cpp, ${bestPeer.setting}: ${best(bestPeer, rateOf).toFixed(0)} tokens/s`,
    `**${ratio(best(c, rateOf), best(bestPeer, rateOf))}** end to end, ${ratio(best(c, decodeRateOf), bestPeerDecode)} decode` +
      equals
        .filter((one) => one.c === c)
        .map(({ equal }) => `; ${ratio(best(c, rateOf), best(equal, rateOf))} its ${equal.setting}`)
        .join(''),
  ]),
);

/** @type {{dtype: string, samples: number, tokensPerSecond: number, decode: number, peakAnonymousMiB: number, foreign: number}[]} */
const sweep = [];
const counts = flags['own-samples']
  .split(',')
  .map(Number)
  .filter((count) => count > 0);
if (owns.length > 0 && counts.length > 0) {
  say(`\nfaultline with other numbers of samples, one trial each: 1 to ${Math.max(...counts)} x ${newTokens} tokens`);
}
for (const { setting: dtype, settings, script: of, engine } of owns) {
  for (const count of counts) {
    const result = await trial({ engine, setting: dtype, script: of, settings: { ...settings, samples: count, batch: count }, trials: [] });
    sweep.push({
      dtype,
      samples: count,
      tokensPerSecond: (count * newTokens) / result.seconds,
      decode: (count * (newTokens - 1)) / (result.seconds - result.firstTokenSeconds),
      peakAnonymousMiB: result.peakAnonymousMiB,
      foreign: result.others + result.stolen,
    });
  }
}
if (sweep.length > 0) {
  say(
    markdownTable(
      ['dtype', 'samples', 'end to end, tokens/s', 'decode, tokens/s', 'memory, MiB', 'others'],
      sweep.map((row) => [
        row.dtype,
        String(row.samples),
        row.tokensPerSecond.toFixed(0),
        row.decode.toFixed(0),
        row.peakAnonymousMiB.toFixed(0),
        `${(100 * row.foreign).toFixed(0)} %`,
      ]),
    ),
  );
}

if (flags.json !== undefined) {
  const slim = (/** @type {Contestant} */ { engine, setting, trials: list }) => ({
    engine,
    setting,
    trials: list.map(({ counts, ...rest }) => rest),
  });
  const screening = byRate().map(({ contestant, rate, memory }) => ({
    setting: contestant.setting,
    tokensPerSecond: rate,
    peakAnonymousMiB: memory,
  }));
  const shape = { ...GPT2_124M, samples, newTokens, promptTokens: prompt.length, threads };
  fs.writeFileSync(
    flags.json,
    `${JSON.stringify({ machine, shape, agreement, screening, results: contestants.map(slim), sweep }, null, 2)}\n`,
  );
}
if (agreement !== null && !agreement.same) process.exitCode = 1;

/** Measures one setting of the peer with short samples. */
async function screen(/** @type {Contestant} */ contestant) {
  const short = Number(flags['screen-new']);
  const result = await trial(contestant, { newTokens: short });
  const [rate, memory] = [rateOf(result, short), result.peakAnonymousMiB];
  screened.push({ contestant, rate, memory });
  say(`  ${contestant.setting}: ${rate.toFixed(1)} tokens/s, ${memory.toFixed(0)} MiB`);
}

/** What was screened, best first. */
function byRate() {
  return screened.toSorted((a, b) => b.rate - a.rate);
}

async function measure(/** @type {Contestant} */ contestant, /** @type {number} */ round) {
  const result = await trial(contestant);
  contestant.trials.push(result);
  const foreign = (100 * (result.others + result.stolen)).toFixed(0);
  say(
    `  ${round}: ${contestant.engine} ${contestant.setting}: ${rateOf(result).toFixed(1)} tokens/s, decode ${decodeRateOf(result).toFixed(1)} (others used ${foreign} % of the CPU)`,
  );
}

/**
 * Whether both engines compute the same model: float32 logits after the prompt, and greedy continuations. The bound,
 * 1e-3 of the largest logit, is the peer's own: ggml evaluates GELU through a table in half precision, which alone puts
 * it 4e-4 from a float64 evaluation of these weights (a float32 one stays below 1e-6). A wrong weight, transpose or
 * epsilon leaves far more.
 */
async function compareModels() {
  const settings = (/** @type {'hf-F32' | 'gguf-F32'} */ format) => ({ modelPath: paths[format], prompt, threads });
  const ours = await trialInFreshProcess(script('logits-faultline'), settings('hf-F32'));
  const theirs = await trialInFreshProcess(script('logits-node-llama-cpp'), settings('gguf-F32'));
  const theirLogit = new Map(theirs.logits);
  let largest = 0;
  let difference = 0;
  for (const [token, logit] of ours.logits) {
    largest = Math.max(largest, Math.abs(logit));
    // NaN (a token that the peer did not return) must not pass for agreement.
    difference = Math.max(difference, Math.abs(logit - (theirLogit.get(token) ?? Infinity)));
  }
  const ranked = (/** @type {[number, number][]} */ logits) => logits.toSorted((a, b) => b[1] - a[1]).map(([token]) => token);
  const theirRanking = ranked(theirs.logits);
  const firstSwap = ranked(ours.logits).findIndex((token, rank) => token !== theirRanking[rank]);
  const sameTop = firstSwap < 0 ? theirRanking.length : firstSwap;

  const greedy = { samples: 1, newTokens: 32, temperature: 0, topP: 1, returnTokens: true };
  const [[ourTokens], [theirTokens]] = [
    (await trialInFreshProcess(script('generate-faultline'), { ...own('float32').settings, ...greedy })).tokens,
    (await trialInFreshProcess(script('generate-node-llama-cpp'), { ...peer('F32', 1, 'shared').settings, ...greedy })).tokens,
  ];
  const firstDifference = ourTokens.findIndex((/** @type {number} */ token, /** @type {number} */ i) => token !== theirTokens[i]);
  const sameGreedy = firstDifference < 0 ? 32 : firstDifference;
  const same = difference <= 1e-3 * largest && sameTop >= 1;
  say(
    `Same model, float32: largest logit difference ${(difference / largest).toExponential(1)} of the largest logit (${largest.toFixed(2)}), ` +
      `best ${sameTop} tokens in the same order, greedy continuations share ${sameGreedy} of 32 tokens${same ? '' : ': NOT THE SAME MODEL'}`,
  );
  return { difference: difference / largest, sameTop, sameGreedy, same };
}

/** 1, 2, 4 ... up to `most`, and `most`. */
function powersOfTwo(/** @type {number} */ most) {
  const powers = [];
  for (let power = 1; power < most; power *= 2) powers.push(power);
  return [...powers, most];
}

function ratio(/** @type {number} */ a, /** @type {number} */ b) {
  return `${(a / b).toFixed(2)}x`;
}

function say(/** @type {string} */ line) {
  console.log(line);
}
