/**
 * The tables of the taxonomy's documents are what the code says. They stand between `<!-- table: name -->` and `<!-- end -->`, and
 * are made here; what is told by hand is checked for being complete.
 * After an intended change: FAULTLINE_UPDATE=1 npx vitest run tests/contract/taxonomy-tables.test.ts
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULE_FIELDS } from '../../src/config/category-rules.js';
import { CATEGORIES } from '../../src/taxonomy/categories.js';
import { GENERATION_RULES, RULES } from '../../src/taxonomy/rules/index.js';
import { TAGS } from '../../src/taxonomy/tags.js';
import { read, root } from './project.js';

const DOCUMENT = 'src/taxonomy/README.md';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return [head, head.map(() => '---'), ...rows].map(line).join('');
}

const code = (text: string): string => `\`${text}\``;
/** The rule files that decide a leaf; one, but for leaves that several rows come to. */
function rulesOf(leaf: string): string {
  const rows = [...Object.values(RULES).flat(), ...GENERATION_RULES].filter((row) => row.code === leaf);
  return [...new Set(rows.map(({ name }) => name))].map(code).join(', ');
}

const families = [...new Set(CATEGORIES.map((leaf) => leaf.code.split('.')[0]!))].map((family) =>
  CATEGORIES.filter((leaf) => leaf.code.split('.')[0] === family),
);
const familyRows = families.map((leaves) => {
  const { code: first, outcome, name } = leaves[0]!;
  const named = leaves.map((leaf) => leaf.name.slice(leaf.name.indexOf('.') + 1) + (leaf.residual ? ' *' : ''));
  return [first.split('.')[0]!, code(outcome), leaves.length === 1 ? name : named.join(', ')];
});

const TABLES: readonly (readonly [document: string, name: string, text: string])[] = [
  ['README.md', 'families', table(['family', 'outcome', 'leaves, from .1 on'], familyRows)],
  [
    DOCUMENT,
    'leaves',
    table(
      ['code', 'name', 'means', 'rule'],
      CATEGORIES.map((leaf) => [leaf.code + (leaf.residual ? ' *' : ''), code(leaf.name), leaf.rule, rulesOf(leaf.code)]),
    ),
  ],
  [
    DOCUMENT,
    'order',
    table(
      ['stage', 'its leaves, in the order in which they are asked'],
      Object.entries(RULES).map(([stage, rows]) => [code(stage), rows.map((row) => row.code).join(', ')]),
    ),
  ],
  [
    DOCUMENT,
    'generation',
    table(
      ['leaf', 'takes the place of the leaf of'],
      GENERATION_RULES.map((row) => [row.code, row.over.map(code).join(', ')]),
    ),
  ],
  [
    DOCUMENT,
    'published',
    table(
      ['code', 'Dou', 'Tambon', 'CodeHalu'],
      CATEGORIES.filter(({ published }) => Object.values(published).some((codes) => codes.length > 0)).map((leaf) => [
        leaf.code,
        ...(['dou', 'tambon', 'codehalu'] as const).map((taxonomy) => leaf.published[taxonomy].join(', ')),
      ]),
    ),
  ],
  [
    DOCUMENT,
    'tags',
    table(
      ['tag', 'holds where'],
      TAGS.map((tag) => [code(tag.name), tag.doc]),
    ),
  ],
];

describe.each(TABLES)('%s', (document, name, made) => {
  it(`has the table of ${name} as the code has it`, () => {
    const [open, end] = [`<!-- table: ${name} -->\n`, '<!-- end -->'];
    const text = read(document);
    const start = text.indexOf(open) + open.length;
    expect(text.split(open), `${open.trim()} once`).toHaveLength(2);
    const stop = text.indexOf(end, start);
    expect(stop, `${end} after it`).toBeGreaterThanOrEqual(start);
    if (process.env['FAULTLINE_UPDATE'] === '1') {
      fs.writeFileSync(path.join(root, document), `${text.slice(0, start)}\n${made}\n${text.slice(stop)}`);
      return;
    }
    expect(text.slice(start, stop)).toBe(`\n${made}\n`);
  });
});

describe(DOCUMENT, () => {
  it('tells of every field that a category of the config may ask about', () => {
    const section = read(DOCUMENT).split('## Categories of your own')[1]!.split('\n## ')[0]!;
    const told = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap((row) =>
      [...row[1]!.matchAll(/\w+/g)].map(([word]) => word),
    );
    expect(told.sort()).toEqual([...RULE_FIELDS].sort());
  });
});
