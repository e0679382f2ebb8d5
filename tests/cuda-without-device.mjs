/**
 * The CUDA library of FAULTLINE_CUDA_LIBRARY, on a machine without a GPU: it loads, and says what is missing and what to do. Run by CI after
 * `npm run build:cuda`; on a machine with a GPU it checks that the device is found instead. Not a vitest file: the library is not a part
 * of the package's own build.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const doctor = spawnSync(process.execPath, [path.join(root, 'bin', 'faultline.js'), 'doctor', '--json'], { encoding: 'utf8' });
const { cuda } = JSON.parse(doctor.stdout);
const problems = [];
if (cuda.backend !== 'cuda') problems.push(`the library was not loaded: ${cuda.refused}`);
if (!cuda.usable && (!/driver|device/.test(cuda.refused ?? '') || !cuda.hint))
  problems.push(`the reason does not help: ${cuda.refused} ${cuda.hint}`);
if (cuda.usable && cuda.devices.length === 0) problems.push('usable, but without a device');
console.log(cuda.usable ? `CUDA: ${cuda.devices[0].name}` : `CUDA: ${cuda.refused}. ${cuda.hint}`);
for (const problem of problems) console.error(`cuda-without-device: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
