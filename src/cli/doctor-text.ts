/** What `doctor` prints: one block a part, then what is missing. The facts are `pipeline/doctor.ts`'s. */
import type { DoctorReport } from '../pipeline/doctor.js';
import { coloursOf } from './colours.js';

export function renderDoctor(report: DoctorReport): string {
  const { engine, cuda, sandbox, disk, data, missing } = report;
  const colour = coloursOf(process.stdout);
  const blocks: [title: string, lines: string[]][] = [
    ['faultline', [`${report.version} on Node ${report.node}, ${report.system}`]],
    ['engine', engine === null ? ['not available'] : engineLines(engine)],
    ['cuda', cuda === null ? ['not available'] : cudaLines(cuda)],
    ['sandbox', sandboxLines(sandbox)],
    ['disk', [`${disk.folder}: ${disk.freeBytes === null ? 'not enough space' : `${(disk.freeBytes / 1e9).toFixed(1)} GB free`}`]],
    ['data', [`model: ${data.model ?? 'not found'}`, `problems: ${data.problems ?? 'not found'}`]],
  ];
  const width = Math.max(...blocks.map(([title]) => title.length)) + 2;
  const text = blocks.flatMap(([title, lines]) => lines.map((line, index) => `${(index === 0 ? title : '').padEnd(width)}${line}`));
  const verdict = report.ok
    ? [colour.green('everything that a run needs is here')]
    : missing.flatMap(({ what, reason, hint }) => [
        `${colour.red('missing:')} ${what}: ${reason}`,
        ...(hint === null ? [] : [`${colour.cyan('hint:')} ${hint}`]),
      ]);
  return [...text, '', ...verdict].join('\n');
}

function engineLines({ fault, cpu, isa, kernelFamily, candidates, kernels }: NonNullable<DoctorReport['engine']>): string[] {
  const refused = candidates.filter((candidate) => candidate.refused !== null);
  return [
    cpu,
    `${fault === null ? '' : 'without FAULTLINE_FORCE_ISA: '}instruction set ${isa}, kernel family of bfloat16 ${kernelFamily}`,
    ...refused.map((candidate) => `not ${candidate.isa}: ${candidate.refused ?? ''}`),
    `kernels: ${kernels.map(({ op, isa: kernelIsa }) => `${op} (${kernelIsa})`).join(', ')}`,
  ];
}

function cudaLines(cuda: NonNullable<DoctorReport['cuda']>): string[] {
  const { refused, hint, devices, driver, runtime, backend, library, kernels } = cuda;
  const versions = [...(driver === null ? [] : [`driver for CUDA ${driver}`]), ...(runtime === null ? [] : [`runtime ${runtime}`])];
  return [
    ...(refused === null ? [] : [`not usable: ${refused}`]),
    ...(hint === null ? [] : [`hint: ${hint}`]),
    ...devices.map(
      ({ name, computeCapability, memoryBytes, multiprocessors }) =>
        `${name}: compute capability ${computeCapability}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB, ${multiprocessors} multiprocessors`,
    ),
    ...(versions.length === 0 ? [] : [versions.join(', ')]),
    ...(backend === null ? [] : [`library: ${library} (${backend})`]),
    ...(kernels.length === 0 ? [] : [`kernels: ${kernels.map(({ op, function: kernel }) => `${op} (${kernel})`).join(', ')}`]),
  ];
}

function sandboxLines({ tier, reason, kernel, python, launchMilliseconds }: DoctorReport['sandbox']): string[] {
  const offers = (name: string, offer: string | null): string => `${name}: ${offer ?? 'no'}`;
  return [
    tier === null ? 'programs cannot be isolated' : `isolation: ${tier}`,
    // Where there is no tier the reason stands with what is missing.
    ...(tier === null || reason === null ? [] : [`as ${reason}`]),
    ...(kernel === null
      ? []
      : [
          `kernel: ${offers('seccomp', kernel.seccomp ? 'yes' : null)}, ${offers('Landlock', kernel.landlock === null ? null : `version ${kernel.landlock}`)}`,
        ]),
    python === null ? 'no Python' : `Python ${python.version} at ${python.path}`,
    ...(launchMilliseconds === null ? [] : [`a worker starts in ${launchMilliseconds.toFixed(0)} ms`]),
  ];
}
