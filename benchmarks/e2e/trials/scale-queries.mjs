/**
 * A part of ../store-scale.mjs: what a report and `faultline query` ask of the database, one question after the other, each asked once, as the
 * commands do. The file's pages are in the system's memory or not as the caller left them.
 */
import { runTrial } from '../../lib/trial.mjs';
import { Store } from '../../../dist/store/store.js';

const FAILURES = 'failures by task';
/** `--limit` of `faultline query` where it is not given. */
const ROWS = 100;

/** @typedef {import('../../../dist/store/store.js').Store} Open */

/** What `faultline report` and `faultline analyze` read of an experiment. @type {Record<string, (store: Open, id: number) => number>} */
const READ = {
  experiments: (store) => store.experiments().length,
  workShards: (store, id) => store.workShards(id).length,
  problems: (store, id) => store.problems(id).length,
  counts: (store, id) => store.counts(id).samples,
  assertionMarks: (store, id) => store.assertionMarks(id).length,
  samples: (store, id) => count(store.samples(id)),
  judgedSamples: (store, id) => count(store.judgedSamples(id)),
  measuredSamples: (store, id) => count(store.measuredSamples(id)),
  judgedTokens: (store, id) => count(store.judgedTokens(id)),
};

function count(/** @type {Iterable<unknown>} */ rows) {
  let number = 0;
  for (const _ of rows) number++;
  return number;
}

runTrial(async (/** @type {{file: string, name: string}} */ { file, name }) => {
  const store = Store.open(file, { readonly: true });
  const experiment = store.findExperiment(name);
  if (experiment === null) throw new Error(`${file} holds no experiment ${name}`);
  /** @type {{kind: 'report' | 'search' | 'one experiment' | 'whole file', question: string, rows: number, seconds: number}[]} */
  const answers = [];
  const ask = (
    /** @type {(typeof answers)[number]['kind']} */ kind,
    /** @type {string} */ question,
    /** @type {() => number} */ answer,
  ) => {
    const start = performance.now();
    const rows = answer();
    answers.push({ kind, question, rows, seconds: (performance.now() - start) / 1000 });
  };
  for (const [question, read] of Object.entries(READ)) ask('report', question, () => read(store, experiment.id));
  // The last one is the word that most errors have.
  for (const words of ['index range', 'value_1*', 'int', 'SyntaxError']) ask('search', words, () => store.search(words, ROWS).rows.length);
  // README's own question, of one experiment and of all.
  const failures = (/** @type {string} */ where) =>
    `SELECT task_id, count(*) AS failures FROM failures ${where} GROUP BY 1 ORDER BY 2 DESC`;
  ask('one experiment', FAILURES, () => store.ask(failures(`WHERE experiment = '${name}'`), ROWS).rows.length);
  ask('whole file', FAILURES, () => store.ask(failures(''), ROWS).rows.length);
  for (const view of store.views()) {
    ask('one experiment', view.name, () => store.ask(`SELECT * FROM ${view.name} WHERE experiment = '${name}'`, ROWS).rows.length);
    ask('whole file', view.name, () => store.ask(view.name, ROWS).rows.length);
  }
  store.close();
  return { answers };
});
