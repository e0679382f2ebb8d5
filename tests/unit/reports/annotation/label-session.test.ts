/** A session of labelling, line by line. */
import { beforeEach, describe, expect, it } from 'vitest';
import { LabelSession, type OpenRow } from '../../../../src/reports/annotation/label-session.js';
import { CATEGORIES } from '../../../../src/taxonomy/categories.js';

let rows: OpenRow[];
let session: LabelSession;
beforeEach(() => {
  rows = ['F1', 'F2', 'F3'].map((id) => ({ id, leaf: null, note: '' }));
  session = new LabelSession(rows, CATEGORIES);
});
const names = () => rows.map(({ leaf }) => leaf?.name ?? null);

describe('LabelSession', () => {
  it('labels by code or name, goes on, and ends behind the last row', () => {
    expect(session.input('4.1')).toEqual({ text: '', changed: true, shows: true, ended: false });
    expect(session.current.id).toBe('F2');
    session.input(' Wrong.None ');
    expect(session.input('4.10')).toMatchObject({ changed: true, ended: true });
    expect(names()).toEqual(['crash.name_error', 'wrong.none', 'crash.other']);
    expect(session.labelled).toBe(3);
  });

  it('finds leaves by words, and takes the only one with y, at once or not at all', () => {
    const found = session.input('printed');
    expect(found).toMatchObject({ changed: false, shows: false });
    expect(found.text).toContain('wrong.printed');
    expect(session.input('l').text.split('\n')).toHaveLength(CATEGORIES.length);
    expect(session.input('y').text).toContain('nothing to take');
    session.input('printed');
    session.input('y');
    expect(names()).toEqual(['wrong.printed', null, null]);
    expect(session.input('zero').text).toContain('crash.arithmetic_error');
    expect(session.input('y').text).toContain('nothing to take');
    expect(session.input('zzz').text).toContain('no leaf');
    expect(session.input('error').text).toMatch(/and \d+ more$/);
    expect(names()).toEqual(['wrong.printed', null, null]);
  });

  it('skips, goes back and to a row, and comes round to what was left out', () => {
    session.input('s');
    session.input('8.3');
    expect(session.current.id).toBe('F3');
    expect(session.input('b')).toMatchObject({ shows: true, changed: false });
    expect(session.current.id).toBe('F2');
    session.input('8.4');
    expect(session.current.id).toBe('F3');
    expect(session.input('g f1').shows).toBe(true);
    session.input('8.1');
    expect(session.current.id).toBe('F3');
    expect(names()).toEqual(['wrong.none', 'wrong.order', null]);
    session.input('b');
    session.input('b');
    expect(session.input('b').text).toContain('first row');
    expect(session.input('g F9').text).toContain('F1 to F3');
  });

  it('ends where all that is left was skipped', () => {
    session.input('s');
    session.input('s');
    expect(session.input('4.1').ended).toBe(true);
    expect(names()).toEqual([null, null, 'crash.name_error']);
  });

  it('keeps notes and takes labels away', () => {
    expect(session.input('n = not sure')).toMatchObject({ changed: true, shows: false });
    expect(rows[0]!.note).toBe('= not sure');
    session.input('n');
    expect(rows[0]!.note).toBe('');
    session.input('4.1');
    session.input('b');
    expect(session.input('c').changed).toBe(true);
    expect(names()).toEqual([null, null, null]);
  });

  it('goes on at the first row without a label, and at the first one where all have one', () => {
    rows[0]!.leaf = CATEGORIES[1]!;
    expect(new LabelSession(rows, CATEGORIES).current.id).toBe('F2');
    for (const row of rows) row.leaf = CATEGORIES[1]!;
    expect(new LabelSession(rows, CATEGORIES).current.id).toBe('F1');
    expect(() => new LabelSession([], CATEGORIES)).toThrow(RangeError);
  });

  it('says what it does not know, changes nothing, and quits', () => {
    for (const line of ['', '?', 'x', 'y', '\u001b[31m']) {
      const reply = session.input(line);
      expect(reply).toMatchObject({ changed: false, shows: false, ended: false });
      expect(reply.text).not.toBe('');
      expect(reply.text).not.toContain('\u001b');
    }
    expect(session.input('q').ended).toBe(true);
    expect(names()).toEqual([null, null, null]);
  });
});
