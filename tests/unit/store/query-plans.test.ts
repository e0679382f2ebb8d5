/**
 * How SQLite finds the rows that each statement of the store and each view asks for. Plans are taken from an empty database: the store keeps no
 * statistics of its tables (it never runs ANALYZE), so that a plan depends on the schema alone. No times: benchmarks/e2e/store-scale.mjs has those.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadMigrations, migrate } from '../../../src/store/migrations.js';
import { Store } from '../../../src/store/store.js';
import { MEASURE_COLUMNS } from '../../../src/store/text-measures.js';
import type { StoredMeasures } from '../../../src/store/types.js';
import { execution, manifest, problems, sample } from './rows.js';

/** What may be read from its first row to its last, and why that is no loss. Everything else is found by a key or an index. */
const SCANS: readonly { readonly table: string; readonly statement: RegExp; readonly because: string }[] = [
  { table: 'experiments', statement: /FROM experiments ORDER BY id$/, because: 'all of them are asked for' },
  { table: 'experiments', statement: /WHERE substr\(hash, 1, length/, because: 'tens of rows, and a beginning of any length' },
  { table: 'shards', statement: /^SELECT file FROM shards$/, because: 'all names are asked for, once when a database is opened' },
  {
    table: 'samples',
    statement: /s\.id > \? .* ORDER BY s\.id LIMIT 64$/,
    because: 'goes on behind the last row that was read, a chunk at a time',
  },
  { table: 'sqlite_schema', statement: /FROM sqlite_schema/, because: 'the schema has tens of rows' },
];

const PROBLEMS = problems(2);
const KEY = { strategy: 'nucleus', taskId: PROBLEMS[0]!.taskId, sampleIndex: 0 };
const measures = Object.fromEntries(MEASURE_COLUMNS.map((column) => [column, 1])) as unknown as StoredMeasures;
const MARKS = { taskId: KEY.taskId, examples: 1, total: 2, visible: [0], missing: null };
const all = (rows: Iterable<unknown>): unknown[] => [...rows];

/** Each method of the store, used once, in an order in which all of them have something to do. */
const USES: Record<Exclude<keyof Store, 'file' | 'readonly' | typeof Symbol.dispose>, (store: Store, id: number) => unknown> = {
  beginExperiment: (store) => store.beginExperiment(manifest()),
  addProblems: (store, id) => { store.addProblems(id, PROBLEMS); }, // prettier-ignore
  addAssertionMarks: (store, id) => { store.addAssertionMarks(id, [MARKS]); }, // prettier-ignore
  addSamples: (store, id) => { store.addSamples(id, [0, 1, 2].map((index) => sample(PROBLEMS[0]!, index))); }, // prettier-ignore
  pendingExecutions: (store, id) => all(store.pendingExecutions(id)),
  recordSandbox: (store, id) => store.recordSandbox(id, manifest()),
  recordCategories: (store, id) => { store.recordCategories(id, '{}'); }, // prettier-ignore
  addExecutions: (store, id) => { store.addExecutions(id, [0, 1].map((index) => execution(PROBLEMS[0]!, index))); }, // prettier-ignore
  replaceClassification: (store, id) => { store.replaceClassification(id, [execution(PROBLEMS[0]!, 0)]); }, // prettier-ignore
  verdictOf: (store, id) => store.verdictOf(id, KEY.taskId, sample(PROBLEMS[0]!, 0).completion),
  unmeasuredSamples: (store, id) => all(store.unmeasuredSamples(id)),
  categories: (store, id) => store.categories(id),
  putTextMeasures: (store, id) => { store.putTextMeasures(id, [{ ...KEY, measures }]); }, // prettier-ignore
  textMeasures: (store, id) => all(store.textMeasures(id)),
  measuredCount: (store, id) => store.measuredCount(id),
  measuredSamples: (store, id) => all(store.measuredSamples(id)),
  assertionMarks: (store, id) => store.assertionMarks(id),
  experiments: (store) => store.experiments(),
  findExperiment: (store) => store.findExperiment('abcdef'),
  workShards: (store, id) => store.workShards(id),
  problems: (store, id) => store.problems(id),
  strategies: (store, id) => store.strategies(id),
  doneSampleKeys: (store, id) => store.doneSampleKeys(id, KEY.strategy),
  samples: (store, id) => all(store.samples(id)),
  tokens: (store, id) => store.tokens(id, KEY),
  tokenPlaces: (store, id) => all(store.tokenPlaces(id)),
  judgedSamples: (store, id) => all(store.judgedSamples(id, { outcome: 'pass' })),
  judgedTokens: (store, id) => all(store.judgedTokens(id)),
  counts: (store, id) => store.counts(id),
  views: (store) => store.views(),
  ask: (store) => store.ask('SELECT 1', 1),
  search: (store) => store.search('name', 1),
  addNote: (store, id) => { store.addNote(id, 'run', 'a note'); }, // prettier-ignore
  notes: (store, id) => store.notes(id),
  recordMachine: (store, id) => { store.recordMachine(id, 'draw', { cpu: 'a CPU', cores: 2, memoryBytes: 1, system: 'Linux' }); }, // prettier-ignore
  machines: (store, id) => store.machines(id, 'draw'),
  resultDigest: (store, id) => store.resultDigest(id),
  finishExperiment: (store, id) => { store.finishExperiment(id); }, // prettier-ignore
  close: (store) => { store.close(); }, // prettier-ignore
};

interface Step {
  /** As SQLite words it, such as `SCAN s`. */
  readonly detail: string;
  /** The table that is read whole, or from some key on; null where none is. */
  readonly scanned: string | null;
}

let statements: string[];
let database: Database.Database;

/** Every statement that the store prepares when it is opened and each of its methods is used. */
function statementsOfStore(): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'faultline-plans-'));
  const prepare = vi.spyOn(Database.prototype, 'prepare');
  try {
    const store = Store.open(path.join(folder, 'faultline.db'));
    for (const use of Object.values(USES)) use(store, 1);
    // A view's columns are read from a statement that is not run; what views cost is asked below.
    const isViewsColumns = (sql: string): boolean => views().some((view) => sql === `SELECT * FROM ${view}`);
    return [...new Set(prepare.mock.calls.map(([sql]) => sql.replaceAll(/\s+/g, ' ').trim()))].filter((sql) => !isViewsColumns(sql));
  } finally {
    prepare.mockRestore();
    rmSync(folder, { recursive: true, force: true });
  }
}

const emptyDatabase = (): Database.Database => {
  const made = new Database(':memory:');
  migrate(made, 1, loadMigrations());
  return made;
};

const views = (): string[] => database.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'view'").pluck().all();

function planOf(from: Database.Database, sql: string): Step[] {
  const named = Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name!, null]));
  const places = Array.from(sql.replaceAll(/'[^']*'/g, '').matchAll(/\?/g), () => null);
  const aliases = aliasesOf(from, sql);
  return (from.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...places, named) as { detail: string }[]).map(({ detail }) => {
    // A virtual table is always scanned by SQLite's word for it: with an index of its own where a number other than 0 or a letter follows.
    const whole = /^SCAN (\w+)(?! VIRTUAL TABLE INDEX \d+:\w)/.exec(detail);
    // By a key, but from some value on: as good as all.
    const range = /^SEARCH (\w+) USING [^(]*\((?!.*=\?)/.exec(detail);
    const name = (whole ?? range)?.[1];
    return { detail, scanned: name === undefined ? null : (aliases.get(name) ?? null) };
  });
}

/** The tables that a statement, and the views that it names, call by other names, and by their own. */
function aliasesOf(from: Database.Database, sql: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, table, alias] of sql.matchAll(
    /\b(?:FROM|JOIN|INTO|UPDATE) (\w+)(?: (?!WHERE|JOIN|LEFT|ON|ORDER|GROUP|SET|INDEXED|LIMIT|VALUES)(\w+))?/g,
  )) {
    const entry = from.prepare<[string], { type: string; sql: string }>('SELECT type, sql FROM sqlite_schema WHERE name = ?').get(table!);
    if (entry?.type === 'view') for (const each of aliasesOf(from, entry.sql.replaceAll(/\s+/g, ' '))) found.set(...each);
    else found.set(alias ?? table!, table!).set(table!, table!);
  }
  // What SQLite calls its schema in plans.
  return found.has('sqlite_schema') ? found.set('sqlite_master', 'sqlite_schema') : found;
}

/** Whole tables that statements read without leave, and statements that cannot be prepared. */
function unexpected(from: Database.Database): string[] {
  return statements.flatMap((sql) => {
    try {
      return planOf(from, sql)
        .filter(({ scanned }) => scanned !== null && !SCANS.some(({ table, statement }) => table === scanned && statement.test(sql)))
        .map(({ scanned }) => `${scanned!}: ${sql}`);
    } catch (thrown) {
      return [`${String(thrown)}: ${sql}`];
    }
  });
}

beforeAll(() => {
  database = emptyDatabase();
  statements = statementsOfStore();
});
afterAll(() => {
  database.close();
});

describe('the statements of the store', () => {
  it('are those of all of its methods', () => {
    expect(Object.keys(USES).sort()).toEqual(
      Object.getOwnPropertyNames(Store.prototype).filter((name) => name !== 'constructor' && !name.startsWith('#')).sort(), // prettier-ignore
    );
    for (const table of ['samples', 'verdicts', 'executions', 'classifications', 'text_measures']) {
      expect(statements.some((sql) => sql.startsWith(`INSERT INTO ${table} `) || sql.startsWith(`INSERT OR REPLACE INTO ${table} `))).toBe(
        true,
      );
      expect(statements.filter((sql) => sql.startsWith('SELECT') && sql.includes(` ${table} `)).length).toBeGreaterThan(0);
    }
  });

  it('read no table whole, but for those that are listed', () => {
    expect(unexpected(database)).toEqual([]);
  });

  it('need what is listed', () => {
    const scans = statements.flatMap((sql) => planOf(database, sql).map(({ scanned }) => ({ sql, scanned })));
    for (const { table, statement } of SCANS) expect(scans.some(({ sql, scanned }) => scanned === table && statement.test(sql))).toBe(true);
  });

  it('go through the samples of one experiment in the order of their listing without sorting', () => {
    const listings = statements.filter((sql) => /FROM samples\b.* ORDER BY (s\.)?(sample_index|id)\b/.test(sql));
    expect(listings.length).toBeGreaterThan(6);
    for (const sql of listings) expect(planOf(database, sql).filter(({ detail }) => detail.includes('TEMP B-TREE'))).toEqual([]);
  });
});

describe('the views', () => {
  it.each(['experiment', 'experiment_hash'])('find the rows of one %s by keys', (column) => {
    expect(views().length).toBeGreaterThan(5);
    for (const view of views()) {
      const plan = planOf(database, `SELECT * FROM ${view} WHERE ${column} = ?`);
      expect({ view, scans: plan.filter(({ scanned }) => scanned !== null) }).toEqual({ view, scans: [] });
    }
  });

  it('go through one table where no experiment is named, and find the rest by keys', () => {
    for (const view of views()) {
      const plan = planOf(database, `SELECT * FROM ${view}`);
      expect({ view, scans: plan.filter(({ scanned }) => scanned !== null).length }).toEqual({ view, scans: 1 });
    }
  });

  it('give first rows without sorting, where they do not count', () => {
    for (const view of ['sample_results', 'failures', 'text_measures_by_sample', 'assertions_by_problem']) {
      expect(planOf(database, `SELECT * FROM ${view}`).filter(({ detail }) => detail.includes('TEMP B-TREE'))).toEqual([]);
    }
  });
});

describe('the indices', () => {
  /** Those that no statement asks for: foreign keys do, when an experiment is deleted, and SQLite shows no plan of that. */
  const FOR_DELETION = ['shards_by_experiment'];
  const names = (): string[] =>
    database.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").pluck().all();

  it('are all there is need for, so that one that is gone is missed', () => {
    expect(names().length).toBeGreaterThan(4);
    for (const name of names()) {
      const without = emptyDatabase();
      without.exec(`DROP INDEX ${name}`);
      expect({ name, isMissed: unexpected(without).length > 0 }).toEqual({ name, isMissed: !FOR_DELETION.includes(name) });
      without.close();
    }
  });
});
