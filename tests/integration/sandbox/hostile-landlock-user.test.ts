/** The hostile suite (hostile-suite.ts) in tier landlock, as an ordinary user. */
import { landlockObstacle, runHostileSuite } from './hostile-suite.js';
import { obstacle, PYTHON } from './users.js';

const options = { python: PYTHON, tier: 'landlock' } as const;
const reason = obstacle() ?? (await landlockObstacle());
runHostileSuite({ title: 'as an ordinary user in tier landlock', asUser: true, isFollowed: false, options, reason });
