/** The hostile suite (hostile-suite.ts) in tier landlock. */
import { kernelReport } from '../../../src/sandbox/launcher.js';
import { runHostileSuite } from './hostile-suite.js';
import { obstacle, PYTHON } from './users.js';

const kernel = await kernelReport();
const reason = kernel.landlock === null ? 'this kernel has no Landlock' : null;
const options = { python: PYTHON, tier: 'landlock' } as const;

runHostileSuite({ title: 'in tier landlock', asUser: false, isFollowed: false, options, reason });
runHostileSuite({ title: 'as an ordinary user in tier landlock', asUser: true, isFollowed: false, options, reason: obstacle() ?? reason });
