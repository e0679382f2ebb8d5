/**
 * The engine's benchmarks, one after the other:
 *
 *   npm run bench [-- --quick] [-- --without-peer] [-- --parts hooks,alone] [-- --repeat 300] [-- --trials 3]
 *
 * kernels      every kernel's share of this CPU's roofs (native/bench_ops.cc);
 * steps        a whole step's share of its chain of matrix products, prompt, loading and memory, at 1 to 512 sequences
 *              (native/bench_step.cc);
 * prompts      the same after a prompt of 900 tokens;
 * ragged       what samples that end at different lengths cost a run with fewer slots than samples (native/bench_step.cc);
 * hooks        what read hooks cost, detached and attached (native/bench_hooks.cc): `--repeat` pairs of passes where half a
 *              percent counts, and whether they could tell it;
 * invariance   what batch invariance costs matrix products and attention (native/bench_invariance.cc);
 * peer         tokens a second end to end beside node-llama-cpp's best setting (e2e/generate-vs-node-llama-cpp.mjs);
 * alone        the same for one sequence alone, at equal weight precision: float32 beside F32, bfloat16 beside BF16, int8
 *              beside Q8_0, each with the peer's best number of threads.
 *
 * Builds what is native first. `--parts`: only these. `--quick`: fewer settings. `--trials`: of the last two parts. Takes some forty
 * minutes without the peer and eighty with it, eight when quick. Exits with 1 where a part fails.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { listOf, oneOf, parseFlags, wholeNumber } from './lib/flags.mjs';
import { describeMachine, machineLine, ROOT, warnIfBusy } from './lib/machine.mjs';
import { randomGpt2 } from './lib/random-gpt2.mjs';
import { markdownTable } from './lib/table.mjs';

const PARTS = { kernels, steps, prompts, ragged, hooks, invariance, peer, alone };
const OF_THE_PEER = ['peer', 'alone'];
const flags = parseFlags(import.meta.url, {
  quick: { type: 'boolean', default: false },
  'without-peer': { type: 'boolean', default: false },
  parts: { type: 'string', default: Object.keys(PARTS).join(','), check: listOf(oneOf(Object.keys(PARTS))) },
  repeat: { type: 'string', check: wholeNumber() },
  trials: { type: 'string', check: wholeNumber() },
});
const PROGRAMS = ['faultline_bench_ops', 'faultline_bench_step', 'faultline_bench_hooks', 'faultline_bench_invariance'];
const DTYPES = ['float32', 'bfloat16', 'int8'];
const HALF_PERCENT = 0.005;
/** What the contract allows passes with such hooks; what is asked and wants nothing bounds a detached pass. @type {Record<string, number>} */
const BARS = { 'asked, wanting nothing': HALF_PERCENT, "one point: the last layer's resid_post": 0.03 };
const native = path.join(ROOT, 'build', 'release', 'benchmarks', 'native');
const asked = flags.parts.split(',');
const parts = asked.filter((part) => !(flags['without-peer'] && OF_THE_PEER.includes(part)));
// Known before the first of many minutes.
if (parts.some((part) => OF_THE_PEER.includes(part)) && !fs.existsSync(path.join(ROOT, 'benchmarks', 'node_modules', 'node-llama-cpp'))) {
  fail(1, 'node-llama-cpp is not there: npm install --prefix benchmarks --ignore-scripts, or --without-peer');
}

console.log(`Machine: ${machineLine(describeMachine())}`);
if (parts.some((part) => !OF_THE_PEER.includes(part))) {
  run('cmake', ['--preset', 'release']);
  run('cmake', ['--build', '--preset', 'release', '--target', ...PROGRAMS]);
}
const { 'hf-F32': model } = randomGpt2({ seed: 1, formats: ['hf-F32'] });
await warnIfBusy();
for (const part of parts) PARTS[/** @type {keyof typeof PARTS} */ (part)]();

function kernels() {
  console.log("\n## Kernels: shares of this CPU's roofs");
  run(path.join(native, 'faultline_bench_ops'), flags.quick ? ['m=100'] : [], true);
}

function steps() {
  console.log('\n## Steps: shares of their chain of matrix products');
  const settings = flags.quick ? ['--new', '32', '--repeat', '2'] : ['--new', '64', '--repeat', '5'];
  stepTable(flags.quick ? [1, 100] : [1, 8, 32, 100, 512], settings);
}

function prompts() {
  console.log('\n## Steps after a long prompt');
  stepTable([1, 100], ['--prompt', '900', ...(flags.quick ? ['--new', '8', '--repeat', '1'] : ['--new', '64', '--repeat', '3'])]);
}

function ragged() {
  console.log('\n## Samples of different lengths, in fewer slots than there are samples, beside as many tokens in equally long ones');
  const settings = flags.quick
    ? ['--ragged', '32', '--groups', '16', '--samples', '8', '--new', '32', '--repeat', '1']
    : ['--ragged', '100', '--groups', '64', '--samples', '8', '--new', '64', '--repeat', '2'];
  console.log(
    markdownTable(
      ['dtype', 'slots', 'prompts x samples', 'lengths', 'tokens/s', 'slots in use', 'equally long, tokens/s', 'slots in use', 'ratio'],
      DTYPES.map((dtype) => {
        const result = measured('faultline_bench_step', [model, '--dtype', dtype, ...settings]);
        return [
          `${dtype} (${result.family})`,
          String(result.slots),
          `${result.groups} x ${result.samples / result.groups}`,
          `1 to ${result.longest}`,
          ...[result.ragged, result.equal].flatMap((use) => [use.tokens_per_second.toFixed(0), `${(100 * use.lanes_in_use).toFixed(1)} %`]),
          result.ratio.toFixed(2),
        ];
      }),
    ),
  );
}

function hooks() {
  console.log('\n## Read hooks: passes of one prompt, as ratios to passes with hooks detached');
  const few = flags.quick ? '5' : '20';
  const repeat = flags.repeat ?? (flags.quick ? few : '300');
  /** @type {string[]} */
  const tells = [];
  const rows = (flags.quick ? ['float32'] : DTYPES).flatMap((dtype) => {
    const result = measured('faultline_bench_hooks', [model, '--dtype', dtype, '--repeat', repeat, '--others', few]);
    return result.rows.map((/** @type {HookCost} */ row) => {
      if (row.hooks === 'detached again') {
        const told = enough(row) && row.paired_low >= 1 - HALF_PERCENT && row.paired_high <= 1 + HALF_PERCENT;
        tells.push(`${dtype}, ${row.tokens} ${row.tokens === 1 ? 'token' : 'tokens'}: ${told ? 'yes' : 'no'}`);
      }
      return [
        dtype,
        String(row.tokens),
        row.hooks,
        row.ms.toFixed(2),
        row.ratio.toFixed(2),
        row.paired_median.toFixed(4),
        enough(row) ? `${row.paired_low.toFixed(4)} to ${row.paired_high.toFixed(4)}` : 'too few pairs',
        String(row.pairs),
        verdict(row),
        row.captured_mib.toFixed(1),
      ];
    });
  });
  const head = ['dtype', 'tokens', 'hooks', 'pass, ms', 'best to best', 'median of pairs', '95 %', 'pairs', 'bar', 'captured, MiB'];
  console.log(markdownTable(head, rows));
  console.log(
    `\nCan this run tell half a percent (the interval of "detached again", where nothing differs, lies within it)? ${tells.join('; ')}`,
  );
}

function invariance() {
  console.log("\n## Batch invariance: a step's products in orders chosen for each product and number of rows");
  const result = measured(
    'faultline_bench_invariance',
    flags.quick ? ['--rows', '1,16,100', '--round-seconds', '0.05'] : ['--rows', '1,4,16,32,100'],
  );
  for (const reason of result.skipped) console.log(`Not compared: ${reason}`);
  console.log(
    markdownTable(
      ['dtype', 'rows', 'kernel, ms', 'one chain, any tile', 'several chains', 'invariance costs'],
      result.steps.map((/** @type {any} */ row) => [
        `${row.dtype} (${row.isa})`,
        String(row.rows),
        row.kernel_ms.toFixed(2),
        ...[row.one_chain_ms, row.chains_ms].map((ms) => `${(ms / row.kernel_ms).toFixed(2)} of it`),
        `${(100 * row.cost).toFixed(1)} %`,
      ]),
    ),
  );
  console.log("\n## Batch invariance: one sample's attention, keys in one segment and split at the prompt's end");
  console.log(
    markdownTable(
      ['keys', 'prompt', 'own tokens', 'one segment, us', 'split', 'ratio'],
      result.attention.map((/** @type {any} */ row) => [
        row.keys,
        String(row.prompt),
        String(row.own),
        row.one_segment_us.toFixed(1),
        row.two_segments_us.toFixed(1),
        (row.two_segments_us / row.one_segment_us).toFixed(2),
      ]),
    ),
  );
}

function peer() {
  console.log('\n## End to end, beside node-llama-cpp');
  const quick = ['--trials', '1', '--finalists', '1', '--new', '48', '--weights', 'Q8_0,BF16', '--sequences', '32,64'];
  besidePeer(flags.quick ? quick : []);
}

function alone() {
  console.log('\n## One sequence alone, beside node-llama-cpp at equal weight precision');
  // Short samples of one sequence take a second: 64 tokens tell one thread from two.
  const settings = ['--samples', '1', '--weights', 'F32,BF16,Q8_0', '--sequences', '1', '--finalists-per-format', '--screen-new', '64'];
  besidePeer([...settings, '--own-samples', '0', ...(flags.quick ? ['--trials', '1'] : [])]);
}

/** The script beside the peer. Of a flag that is given twice it takes the last. */
function besidePeer(/** @type {string[]} */ settings) {
  const trials = flags.trials === undefined ? [] : ['--trials', flags.trials];
  run(process.execPath, [path.join(ROOT, 'benchmarks', 'e2e', 'generate-vs-node-llama-cpp.mjs'), ...settings, ...trials], true);
}

/** A table of steps: every dtype with so many sequences each. */
function stepTable(/** @type {number[]} */ counts, /** @type {string[]} */ settings) {
  const head = ['dtype', 'prompt', 'sequences', 'tokens/s', 'prompt and first tokens, ms', 'prompt, tokens/s', 'step, ms'];
  const rest = ['its products, ms', 'share', 'load, s', 'weights + keys and values, MiB', 'peak memory, MiB', 'beyond, MiB'];
  const rows = DTYPES.flatMap((dtype) =>
    counts.map((samples) => {
      const result = measured('faultline_bench_step', [model, '--dtype', dtype, '--samples', String(samples), ...settings]);
      return [
        `${dtype} (${result.family})`,
        String(result.prompt),
        String(samples),
        result.tokens_per_second.toFixed(0),
        result.first_tokens_ms.toFixed(0),
        // Drawing a first token for each of many samples is in the time too, and no longer little beside the prompt.
        samples === 1 ? (result.prompt / (result.first_tokens_ms / 1000)).toFixed(0) : '',
        result.step_ms.toFixed(1),
        result.chain_ms.toFixed(1),
        `${(100 * result.share).toFixed(0)} %`,
        result.load_seconds.toFixed(2),
        (result.weight_mib + result.kv_mib).toFixed(0),
        result.peak_mib.toFixed(0),
        result.beyond_sum_mib.toFixed(0),
      ];
    }),
  );
  console.log(markdownTable([...head, ...rest], rows));
}

/**
 * @typedef {object} HookCost a row of native/bench_hooks.cc
 * @property {string} hooks
 * @property {number} tokens
 * @property {number} ms best of its passes
 * @property {number} ratio best to best
 * @property {number} paired_median
 * @property {number} paired_low
 * @property {number} paired_high
 * @property {number} pairs
 * @property {number} captured_mib
 */

/** Below six pairs no interval of a median reaches 95 %. */
function enough(/** @type {HookCost} */ { pairs }) {
  return pairs >= 6;
}

/** What the interval says of the bar that is set for a row, if any is. */
function verdict(/** @type {HookCost} */ row) {
  const bar = BARS[row.hooks];
  if (bar === undefined) return '';
  const limit = `${(100 * bar).toFixed(1)} %`;
  if (!enough(row)) return `${limit}: cannot tell`;
  if (row.paired_high <= 1 + bar) return `at most ${limit}`;
  return row.paired_low > 1 + bar ? `more than ${limit}` : `${limit}: cannot tell`;
}

/** What a native benchmark prints, which is one JSON object. */
function measured(/** @type {string} */ program, /** @type {string[]} */ args) {
  const { stdout, status, stderr } = spawnSync(path.join(native, program), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Runs a program in the project's folder; what it prints is shown where `isShown`. Ends this one where it fails. */
function run(/** @type {string} */ program, /** @type {string[]} */ args, isShown = false) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: ['ignore', isShown ? 'inherit' : 'ignore', 'inherit'] });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(1);
}

/** @returns {never} ends the process with that code */
function fail(/** @type {number} */ code, /** @type {string} */ message) {
  console.error(message);
  process.exit(code);
}
