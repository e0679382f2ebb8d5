/** Failures to draw from, key rows and labels, made by hand for the tests of annotation. */
import type { Failure } from '../../../../src/reports/annotation/draw.js';
import type { KeyRow } from '../../../../src/reports/annotation/sheet.js';

/** `copies` samples of each of `programs` distinct programs of a leaf, over five tasks. */
export function failuresOf(code: string, programs: number, copies: number): Failure[] {
  return Array.from({ length: programs * copies }, (_, index) => ({
    strategy: 'nucleus',
    taskId: `T/${(index % programs) % 5}`,
    sampleIndex: index,
    code,
    completion: `${code} ${index % programs}`,
  }));
}

export function keyRow(id: string, taskId: string, code: string, fields: Partial<KeyRow> = {}): KeyRow {
  return { id, taskId, code, stratumSamples: 1, programSamples: 1, programDrawn: 1, ...fields };
}
