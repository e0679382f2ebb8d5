/** Output files that appear only when complete, and continue after kill -9. */
import { appendFileSync, existsSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkWritable, PartialFile, refuseInputs } from '../../../src/pipeline/partial-file.js';

let out = '';
beforeEach(() => {
  out = path.join(mkdtempSync(path.join(tmpdir(), 'faultline-partial-')), 'out.jsonl');
});
/** Where lines are made with one Python alone. */
const python = (version: string, calibration?: number) => ({
  madeWith: { version },
  mismatch: (then: { version: string }) =>
    then.version === version ? null : { what: 'Python', then: then.version, now: version, ways: 'install it' },
  ...(calibration === undefined ? {} : { calibration }),
});
const beside = () => readdirSync(path.dirname(out));

describe('PartialFile', () => {
  it('writes lines in their final order, and only then', async () => {
    const file = PartialFile.open(out, 'a');
    file.add(1, '{"n":1}');
    file.add(0, '{"n":0}');
    expect(existsSync(out)).toBe(false);
    await file.complete(2);
    expect(readFileSync(out, 'utf8')).toBe('{"n":0}\n{"n":1}\n');
    expect(beside()).toEqual(['out.jsonl']);
  });

  it('continues after a torn last line, with what was whole', async () => {
    const first = PartialFile.open(out, 'a');
    first.add(2, '"two"');
    first.add(0, '"zero"');
    appendFileSync(`${out}.partial`, '[1,"\\"on'); // kill -9 in the middle of a write
    const second = PartialFile.open(out, 'a');
    expect([second.size, second.has(0), second.has(1), second.has(2)]).toEqual([2, true, false, true]);
    second.add(1, '"one"');
    second.close();
    const third = PartialFile.open(out, 'a');
    expect(third.size).toBe(3);
    await third.complete(3);
    expect(readFileSync(out, 'utf8')).toBe('"zero"\n"one"\n"two"\n');
  });

  it.each([0, 15, 40, 42, 48, 56, 58, 75, 80, 85, 89])('starts over after a header of which %i bytes were written', (bytes) => {
    PartialFile.open(out, 'a', python('3.11', 0.5)).add(0, '1');
    const [header] = readFileSync(`${out}.partial`, 'utf8').split('\n', 1);
    expect(header!.length).toBeGreaterThan(bytes);
    writeFileSync(`${out}.partial`, header!.slice(0, bytes));
    const again = PartialFile.open(out, 'a', python('3.11', 0.75));
    again.add(0, '1');
    again.close();
    expect(PartialFile.calibrationOf(out)).toBe(0.75);
  });

  it('keeps the calibration of the first run, and knows none where there is none', () => {
    expect(PartialFile.calibrationOf(out)).toBeUndefined();
    const file = PartialFile.open(out, 'a', python('3.11', 0.5));
    file.add(0, '1');
    file.close();
    expect(PartialFile.calibrationOf(out)).toBe(0.5);
    expect(PartialFile.open(out, 'a', python('3.11', 0.5)).size).toBe(1);
    for (const header of ['{"calibration":-1}', '{"calibration":"1"}', 'null', '{"faultline_par']) {
      writeFileSync(`${out}.partial`, `${header}\n`);
      expect(PartialFile.calibrationOf(out)).toBeUndefined();
    }
  });

  it('writes what a line was amended to, and still knows after a failure what was added', async () => {
    const file = PartialFile.open(out, 'a');
    file.add(0, '1');
    file.amend(0, '2');
    expect(() => {
      file.amend(1, '2');
    }).toThrow('line 1');
    expect(readFileSync(`${out}.partial`, 'utf8')).toContain('[0,"1"]');
    await file.complete(1);
    expect(readFileSync(out, 'utf8')).toBe('2\n');
  });

  it('starts over after a header that was never finished', () => {
    writeFileSync(`${out}.partial`, '{"faultline_par');
    const file = PartialFile.open(out, 'a');
    file.add(0, '1');
    file.close();
    expect(PartialFile.open(out, 'a').size).toBe(1);
  });

  it('refuses what belongs to other settings, and does not touch it', () => {
    const file = PartialFile.open(out, 'a');
    file.add(0, '1');
    file.close();
    const before = readFileSync(`${out}.partial`, 'utf8');
    expect(() => PartialFile.open(out, 'b')).toThrow(/out\.jsonl\.partial: holds the unfinished output of a run with other settings/);
    expect(readFileSync(`${out}.partial`, 'utf8')).toBe(before);
  });

  it('refuses what was made with something else of a machine, names both and the ways out, and does not touch it', () => {
    const file = PartialFile.open(out, 'a', python('3.11'));
    file.add(0, '1');
    file.close();
    const before = readFileSync(`${out}.partial`, 'utf8');
    let error: unknown;
    try {
      PartialFile.open(out, 'a', python('3.12'));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      kind: 'environment',
      message: `${out}.partial: was begun with Python 3.11, and here it is 3.12`,
      hint: `To go on, install it, or begin anew with ${out}.partial removed or with another --out than ${out}.`,
    });
    expect(readFileSync(`${out}.partial`, 'utf8')).toBe(before);
    expect(PartialFile.open(out, 'a', python('3.11')).size).toBe(1);
  });

  it.each([
    ['not ours\n', 'is not a partial output of faultline'],
    ['{"faultline_partial":1,"fingerprint":"a"}\n[0,"1"]\n', 'is a partial output of another version of faultline'],
    ['{"faultline_partial":2,"fingerprint":"a"}\nnonsense\n', 'line 2 is not valid JSON'],
    ['{"faultline_partial":2,"fingerprint":"a"}\n{"x":1}\n', 'line 2 is not a finished line'],
  ])('refuses %j', (content, reason) => {
    writeFileSync(`${out}.partial`, content);
    expect(() => PartialFile.open(out, 'a')).toThrow(expect.objectContaining({ kind: 'input', message: `${out}.partial: ${reason}` }));
  });

  it('leaves nothing when nothing was finished', () => {
    PartialFile.open(out, 'a').close();
    expect(beside()).toEqual([]);
  });

  it('does not complete with a line missing, and keeps what is there', async () => {
    const file = PartialFile.open(out, 'a');
    file.add(1, '1');
    await expect(file.complete(2)).rejects.toThrow('line 0');
    file.close();
    expect(beside()).toEqual(['out.jsonl.partial']);
  });
});

describe('refuseInputs', () => {
  it('refuses an input by any of its names, and nothing else', () => {
    const folder = path.dirname(out);
    const input = path.join(folder, 'in.jsonl');
    expect(() => {
      refuseInputs(out, [input, out]);
    }).not.toThrow();
    writeFileSync(input, '');
    writeFileSync(out, '');
    expect(() => {
      refuseInputs(out, [input]);
    }).not.toThrow();
    const link = path.join(folder, 'link.jsonl');
    symlinkSync(input, link);
    for (const name of [input, link]) {
      expect(() => {
        refuseInputs(name, [path.join(folder, 'absent'), input]);
      }).toThrow(expect.objectContaining({ kind: 'usage', message: `${name}: is an input of this command, and would be replaced` }));
    }
  });
});

describe('checkWritable', () => {
  it('leaves nothing behind', async () => {
    await checkWritable(out);
    expect(beside()).toEqual([]);
  });

  it('names a missing folder and a folder in the place of the file', async () => {
    const missing = path.join(path.dirname(out), 'absent', 'x.jsonl');
    await expect(checkWritable(missing)).rejects.toMatchObject({ kind: 'output', message: expect.stringContaining(missing) as string });
    mkdirSync(out);
    await expect(checkWritable(out)).rejects.toMatchObject({ kind: 'output', message: `${out}: is a folder; a file is to be written` });
  });
});
