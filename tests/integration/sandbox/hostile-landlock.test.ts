/** The hostile suite (hostile-suite.ts) in tier landlock. */
import { landlockObstacle, runHostileSuite } from './hostile-suite.js';
import { PYTHON } from './users.js';

const options = { python: PYTHON, tier: 'landlock' } as const;
runHostileSuite({ title: 'in tier landlock', asUser: false, isFollowed: false, options, reason: await landlockObstacle() });
