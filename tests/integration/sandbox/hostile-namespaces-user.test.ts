/** The hostile suite (hostile-suite.ts) in tier namespaces, as an ordinary user. */
import { runHostileSuite } from './hostile-suite.js';
import { obstacle, PYTHON } from './users.js';

runHostileSuite({ title: 'as an ordinary user', asUser: true, isFollowed: false, options: { python: PYTHON }, reason: obstacle() });
