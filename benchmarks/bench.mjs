/**
 * The engine's benchmarks, one after the other:
 *
 *   npm run bench [-- --quick] [-- --without-peer]
 *
 * 1. every kernel's share of this CPU's roofs (native/bench_ops.cc);
 * 2. a whole step's share of its chain of matrix products, loading and memory, at 1 to 512 sequences (native/bench_step.cc);
 * 3. what read hooks cost, detached and attached (native/bench_hooks.cc);
 * 4. what batch invariance costs matrix products and attention (native/bench_invariance.cc);
 * 5. tokens a second end to end beside node-llama-cpp's best setting (e2e/generate-vs-node-llama-cpp.mjs).
 *
 * Builds what is native first. `--quick`: fewer settings. Takes twenty minutes without the peer and some fifty with it, five minutes when quick. Exits with 1 where a part fails.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseFlags } from './lib/flags.mjs';
import { describeMachine, machineLine, ROOT, warnIfBusy } from './lib/machine.mjs';
import { randomGpt2 } from './lib/random-gpt2.mjs';
import { markdownTable } from './lib/table.mjs';

const flags = parseFlags(import.meta.url, {
  quick: { type: 'boolean', default: false },
  'without-peer': { type: 'boolean', default: false },
});
const PROGRAMS = ['faultline_bench_ops', 'faultline_bench_step', 'faultline_bench_hooks', 'faultline_bench_invariance'];
const DTYPES = ['float32', 'bfloat16', 'int8'];
const native = path.join(ROOT, 'build', 'release', 'benchmarks', 'native');

console.log(`Machine: ${machineLine(describeMachine())}`);
run('cmake', ['--preset', 'release']);
run('cmake', ['--build', '--preset', 'release', '--target', ...PROGRAMS]);
await warnIfBusy();

console.log("\n## Kernels: shares of this CPU's roofs");
run(path.join(native, 'faultline_bench_ops'), flags.quick ? ['m=100'] : [], true);

console.log('\n## Steps: shares of their chain of matrix products');
const { 'hf-F32': model } = randomGpt2({ seed: 1, formats: ['hf-F32'] });
const rows = [];
for (const dtype of DTYPES) {
  for (const samples of flags.quick ? [1, 100] : [1, 8, 32, 100, 512]) rows.push(step(dtype, samples));
}
console.log(
  markdownTable(
    ['dtype', 'sequences', 'tokens/s', 'step, ms', 'its products, ms', 'share', 'load, s', 'weights + keys and values, MiB', 'beyond, MiB'],
    rows,
  ),
);

console.log('\n## Read hooks: passes of one prompt, as ratios to passes with hooks detached');
console.log(
  markdownTable(
    ['dtype', 'tokens', 'hooks', 'pass, ms', 'best to best', 'median of pairs', 'captured, MiB'],
    (flags.quick ? ['float32'] : DTYPES).flatMap((dtype) => {
      const { rows } = measured('faultline_bench_hooks', [model, '--dtype', dtype, '--repeat', flags.quick ? '5' : '20']);
      return rows.map((/** @type {any} */ row) => [
        dtype,
        String(row.tokens),
        row.hooks,
        row.ms.toFixed(2),
        row.ratio.toFixed(2),
        row.paired_median.toFixed(3),
        row.captured_mib.toFixed(1),
      ]);
    }),
  ),
);

console.log("\n## Batch invariance: a step's products in orders chosen for each product and number of rows");
const invariance = measured(
  'faultline_bench_invariance',
  flags.quick ? ['--rows', '1,16,100', '--round-seconds', '0.05'] : ['--rows', '1,4,16,32,100'],
);
for (const reason of invariance.skipped) console.log(`Not compared: ${reason}`);
console.log(
  markdownTable(
    ['dtype', 'rows', 'kernel, ms', 'one chain, any tile', 'several chains', 'invariance costs'],
    invariance.steps.map((/** @type {any} */ row) => [
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
    invariance.attention.map((/** @type {any} */ row) => [
      row.keys,
      String(row.prompt),
      String(row.own),
      row.one_segment_us.toFixed(1),
      row.two_segments_us.toFixed(1),
      (row.two_segments_us / row.one_segment_us).toFixed(2),
    ]),
  ),
);

if (!flags['without-peer']) {
  console.log('\n## End to end, beside node-llama-cpp');
  if (!fs.existsSync(path.join(ROOT, 'benchmarks', 'node_modules', 'node-llama-cpp'))) {
    console.error('node-llama-cpp is not there: npm install --prefix benchmarks --ignore-scripts, or --without-peer');
    process.exit(1);
  }
  const quick = ['--trials', '1', '--finalists', '1', '--new', '48', '--weights', 'Q8_0,BF16', '--sequences', '32,64'];
  run(process.execPath, [path.join(ROOT, 'benchmarks', 'e2e', 'generate-vs-node-llama-cpp.mjs'), ...(flags.quick ? quick : [])], true);
}

/** One row of the table of steps. */
function step(/** @type {string} */ dtype, /** @type {number} */ samples) {
  const length = flags.quick ? ['--new', '32', '--repeat', '2'] : ['--new', '64', '--repeat', '5'];
  const result = measured('faultline_bench_step', [model, '--dtype', dtype, '--samples', String(samples), ...length]);
  return [
    `${dtype} (${result.family})`,
    String(samples),
    result.tokens_per_second.toFixed(0),
    result.step_ms.toFixed(1),
    result.chain_ms.toFixed(1),
    `${(100 * result.share).toFixed(0)} %`,
    result.load_seconds.toFixed(2),
    (result.weight_mib + result.kv_mib).toFixed(0),
    result.beyond_sum_mib.toFixed(0),
  ];
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
