/** Sheet and key: what the blind sheet must not tell, how both come back from a file that people had in their hands, and what is refused. */
import { describe, expect, it } from 'vitest';
import { codebook } from '../../../../src/reports/annotation/codebook.js';
import { drawFailures } from '../../../../src/reports/annotation/draw.js';
import { labelInFile, leafOf, searchLeaves } from '../../../../src/reports/annotation/labels.js';
import { rowWeights } from '../../../../src/reports/annotation/score.js';
import { drawDigest, leafOfRow, readKey, readSheet, writeSheets, type DrawableFailure } from '../../../../src/reports/annotation/sheet.js';
import { readTable } from '../../../../src/reports/annotation/table.js';
import { CATEGORIES, EXPERIMENT, HOSTILE, hostileSample, judgedSamples } from '../judged-samples.js';
import { FaultlineError } from '../../../../src/errors.js';

const ORDER = CATEGORIES.map(({ code }) => code);
const OPTIONS = { count: 60, floor: 2, seed: 0n };
const failures = [...judgedSamples(20, 10)].flatMap((sample): DrawableFailure[] => {
  if (sample.categoryCode === null || sample.outcome === 'pass' || sample.outcome === 'infra') return [];
  const { strategy, taskId, sampleIndex, completion, categoryCode: code } = sample;
  return [{ strategy, taskId, sampleIndex, completion, code, sample, test: 'def check(candidate):\n    assert candidate(1) == 2\n' }];
});
const written = writeSheets(EXPERIMENT, OPTIONS, drawFailures(failures, ORDER, OPTIONS), CATEGORIES);

function errorOf(work: () => unknown): FaultlineError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof FaultlineError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('the blind sheet', () => {
  it('holds nothing that the classifier made of a sample', () => {
    const told = {
      categoryCode: 'TELL-CODE',
      categoryName: 'TELL-NAME',
      rule: 'TELL-RULE',
      evidence: 'TELL-EVIDENCE',
      generationCode: 'TELL-GENERATION',
      node: 'TELL-NODE',
      tags: ['TELL-TAG'],
      published: { dou: ['TELL-DOU'], tambon: ['TELL-TAMBON'], codehalu: ['TELL-CODEHALU'] },
      outcome: 'TELL-OUTCOME',
      place: { line: 77777, column: 77777, range: { start: 77777, end: 77778 } },
      tokens: { first: 77777, last: 77777 },
    };
    const marked = failures.slice(0, 40).map((failure) => {
      const { measurements } = failure.sample.verdict;
      const trial = { index: 0, held: false, visible: true, traits: ['negative'], relations: ['off_by_one'] } as const;
      const verdict = {
        ...failure.sample.verdict,
        measurements: {
          ...measurements,
          allNone: true,
          returns: 'constant' as const,
          assertions: { total: 1, passed: 0, trials: [trial] },
        },
      };
      return { ...failure, sample: { ...failure.sample, ...told, verdict } };
    });
    const drawn = drawFailures(marked, ORDER, OPTIONS);
    const { blind, key } = writeSheets(EXPERIMENT, OPTIONS, drawn, CATEGORIES);
    expect(blind).not.toMatch(/TELL|77777|off_by_one|negative|constant/);
    for (const { name } of CATEGORIES.filter((leaf) => leaf.name.includes('.'))) expect(blind).not.toContain(name);
    expect(key).toContain(drawn[0]!.failure.code);
    // And in one order whatever the leaf: ids count up.
    expect(
      readSheet(blind, 'blind.csv')
        .rows.map(({ id }) => id)
        .slice(0, 3),
    ).toEqual(['F001', 'F002', 'F003']);
  });

  it('comes back as it was written, hostile texts included, and no cell is a formula', () => {
    const sample = hostileSample({ completion: '=1+1\n', verdict: hostileSample().verdict });
    const hostile: DrawableFailure = {
      ...{ strategy: sample.strategy, taskId: sample.taskId, sampleIndex: 0, completion: sample.completion, code: '4.1' },
      ...{ sample, test: `${HOSTILE.formula}\r\n"quoted", ${HOSTILE.script}` },
    };
    const { blind } = writeSheets(EXPERIMENT, OPTIONS, drawFailures([hostile], ORDER, { ...OPTIONS, floor: 1 }), CATEGORIES);
    const { table } = readSheet(blind, 'blind.csv');
    expect(table.rows).toHaveLength(1);
    expect(table.rows[0]!.cells).toMatchObject({ completion: '=1+1\n', test: hostile.test, entry_point: sample.entryPoint });
    expect(blind).toContain(`"'=1+1`);
    expect(blind).not.toMatch(/(^|,)"?[=+@-]/m);
  });

  it('has a key with the same ids and draw, from which the weights can be had again', () => {
    const key = readKey(written.key, 'key.csv', CATEGORIES);
    const sheet = readSheet(written.blind, 'blind.csv');
    expect(key.draw).toBe(sheet.draw);
    expect(key.rows.map(({ id }) => id)).toEqual(sheet.rows.map(({ id }) => id));
    const weights = rowWeights(key.rows);
    const stored = readTable(written.key, 'key.csv', ['weight'], 'key').rows;
    for (const { cells } of stored) expect(weights.get(cells['id']!)).toBeCloseTo(Number(cells['weight']), 9);
  });

  it('has a name that no spreadsheet takes for a number', () => {
    const drawn = drawFailures(failures, ORDER, OPTIONS).slice(0, 3);
    for (let seed = 0n; seed < 200n; seed++) expect(drawDigest(EXPERIMENT, { ...OPTIONS, seed }, drawn)).toMatch(/^[a-df][0-9a-f]{11}$/);
  });

  it('names another draw where anything about it is another', () => {
    const drawn = drawFailures(failures, ORDER, OPTIONS);
    const draws = [
      written.draw,
      writeSheets(EXPERIMENT, { ...OPTIONS, seed: 1n }, drawn, CATEGORIES).draw,
      writeSheets({ ...EXPERIMENT, hash: 'f'.repeat(64) }, OPTIONS, drawn, CATEGORIES).draw,
      writeSheets(EXPERIMENT, OPTIONS, drawn.slice(1), CATEGORIES).draw,
    ];
    expect(new Set(draws).size).toBe(draws.length);
  });
});

describe('a table that was in a spreadsheet', () => {
  it('may have a mark, semicolons, other line ends, empty lines and columns in another order', () => {
    const text = '\ufefflabel;id;draw\r\n;"F;1\nx";d\r\n\r\n"crash.name_error";F2;d\r\n';
    const { rows } = readTable(text, 'a.csv', ['draw', 'id', 'label'], 'sheet');
    expect(rows).toEqual([
      { line: 2, cells: { draw: 'd', id: 'F;1\nx', label: '' } },
      { line: 5, cells: { draw: 'd', id: 'F2', label: 'crash.name_error' } },
    ]);
  });

  it('has lines counted as an editor does, also behind cells with CRLF in them', () => {
    const { rows } = readTable('a\r\n"1\r\n2\r\n3"\r\n4\r\n', 'a.csv', ['a'], 'table');
    expect(rows.map(({ line }) => line)).toEqual([2, 5]);
  });

  it.each([
    ['', 'has no column id, label'],
    ['id,other\n1,2\n', 'has no column label'],
    ['id,label,id\n1,2,3\n', 'has two columns id'],
    ['id,label\n1\n', 'is no CSV'],
    ['id,label\n1,"2\n', 'is no CSV'],
  ])('is refused where it is none: %j', (text, reason) => {
    const error = errorOf(() => readTable(text, 'a.csv', ['id', 'label'], 'sheet'));
    expect(error.kind).toBe('input');
    expect(error.message).toContain('a.csv');
    expect(error.message).toContain(reason);
    expect(error.hint).toBeTruthy();
  });
});

describe('labels', () => {
  it('are names, codes, or both, in any case', () => {
    for (const text of ['crash.other', '4.10', ' Crash.Other ', '4.10 crash.other', 'crash.other (4.10)']) {
      expect(leafOf(text, CATEGORIES)?.code).toBe('4.10');
    }
    expect(leafOf('4.1', CATEGORIES)?.name).toBe('crash.name_error');
    for (const text of ['', '4', 'crash', '4.100', 'name_error']) expect(leafOf(text, CATEGORIES)).toBeNull();
  });

  it('in a file are no code that a spreadsheet makes of another one', () => {
    expect(labelInFile('4.1', CATEGORIES)).toMatchObject({ ambiguous: [{ code: '4.1' }, { code: '4.10' }] });
    expect(labelInFile('4.1 crash.name_error', CATEGORIES)).toMatchObject({ leaf: { code: '4.1' } });
    expect(labelInFile('8.2', CATEGORIES)).toMatchObject({ leaf: { code: '8.2' } });
    expect(labelInFile('8.10', CATEGORIES)).toMatchObject({ leaf: { code: '8.10' } });
  });

  it('are found by words of their definitions', () => {
    expect(searchLeaves('printed expected', CATEGORIES).map(({ code }) => code)).toEqual(['8.2']);
    expect(searchLeaves('ARITHMETIC', CATEGORIES).map(({ code }) => code)).toEqual(['3.7', '4.7']);
    expect(searchLeaves('  ', CATEGORIES)).toEqual([]);
  });

  const sheet = (...lines: string[]) => readSheet(['draw,id,label', ...lines, ''].join('\n'), 'ann.csv');

  it('that are none are refused with file, line and what there is', () => {
    const bad = sheet('d,F1,crash.name_error', 'd,F2,crash.nmae_error', 'd,F3,8.1', 'd,F4, ');
    expect(leafOfRow(bad, bad.rows[0]!, CATEGORIES)?.code).toBe('4.1');
    expect(leafOfRow(bad, bad.rows[3]!, CATEGORIES)).toBeNull();
    const unknown = errorOf(() => leafOfRow(bad, bad.rows[1]!, CATEGORIES));
    expect(unknown.message).toBe('ann.csv:3: F2: unknown label "crash.nmae_error"');
    for (const { code, name } of CATEGORIES) expect(unknown.hint).toContain(`${code} ${name}`);
    const ambiguous = errorOf(() => leafOfRow(bad, bad.rows[2]!, CATEGORIES));
    expect(ambiguous.message).toContain('ann.csv:4');
    expect(ambiguous.hint).toBe('Write wrong.none or wrong.hidden_only.');
  });

  it.each([
    [['d,F1,', 'd,F2,', 'd,F1,'], 'ann.csv:4: has F1 again, which stands in line 2'],
    [['d,F1,', 'e,F2,'], 'ann.csv:3: is of draw "e" here, and of "d" above'],
    [[',F1,'], 'ann.csv:2: is of draw ""'],
    [[], 'ann.csv: has no rows'],
  ])('stand in a sheet whose rows agree: %j', (lines, message) => {
    const error = errorOf(() => sheet(...lines));
    expect(error.kind).toBe('input');
    expect(error.message).toContain(message);
  });

  it('need a key that nobody changed', () => {
    const line = (row: number): string => `key.csv:${row}`;
    for (const [from, to, reason] of [
      [/,8\.3,/, ',8.99,', 'the taxonomy has no leaf 8.99'],
      [/(,8\.3,wrong\.type,)\d+/, '$10', 'stratum_samples is a whole number from 1 on, not "0"'],
    ] as const) {
      const broken = written.key.replace(from, to);
      expect(broken).not.toBe(written.key);
      const at = broken.split('\r\n').findIndex((each, index) => each !== written.key.split('\r\n')[index]) + 1;
      const error = errorOf(() => readKey(broken, 'key.csv', CATEGORIES));
      expect(error.message).toBe(`${line(at)}: ${reason}`);
    }
    expect(errorOf(() => readKey(written.blind, 'blind.csv', CATEGORIES)).message).toContain('is no key of a draw');
  });
});

describe('the codebook', () => {
  it('defines every leaf once, in the words of the tree', () => {
    const text = codebook(CATEGORIES);
    for (const { code, name, rule, residual } of CATEGORIES) {
      expect(text.split(`| \`${name}\`${residual ? ' *' : ''} | ${code} | ${rule} |\n`)).toHaveLength(2);
    }
  });

  it('tells the order in which leaves are asked', () => {
    const order = /^- `wrong`: (.*)$/m.exec(codebook(CATEGORIES))![1]!;
    expect(order.indexOf('`wrong.printed`')).toBeLessThan(order.indexOf('`wrong.none`'));
    expect(order).toContain('`wrong.all`');
  });

  it('says how definitions are meant, in the names that the config gives the leaves', () => {
    const renamed = CATEGORIES.map((leaf) => (leaf.code === '8.1' ? { ...leaf, name: 'wrong.nothing' } : leaf));
    expect(codebook(CATEGORIES)).toMatch(/^- `wrong\.none`, `wrong\.constant`: A call that raises /m);
    expect(codebook(renamed)).toMatch(/^- `wrong\.nothing`, `wrong\.constant`: A call that raises /m);
  });
});
