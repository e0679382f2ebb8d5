/** What a format of exported samples is: one file each, one row of `index.ts` each. */
import type { JudgedSample, StoredSample, TokenPlace } from '../../store/types.js';

/** What there is to export. Each can be gone through as often as a format needs, a few rows in memory at a time. */
export interface ExportSource {
  /** All samples, those without a verdict included. */
  samples(): Iterable<StoredSample>;
  /** Samples with a verdict. */
  judged(): Iterable<JudgedSample>;
  /** A task's prompt, and what tells its version. Throws `internal` for one that the experiment has not. */
  problem(taskId: string): { readonly prompt: string; readonly digest: string };
  /** SHA-256 of the problem file that the samples were judged by, in hexadecimal. */
  readonly problemsHash: string;
  /** A sample's `sample_index`, as a line's field. None where strategies stand beside each other: each counts its own, and a line names no strategy. */
  index(sample: Pick<StoredSample, 'sampleIndex'>): { readonly sample_index?: number };
  /** Where each sample's tokens lie, of those that have any. */
  tokenPlaces(): Iterable<TokenPlace>;
}

export interface ExportFormat {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /** Of file names, without the dot. */
  readonly extension: string;
  /** Whether the file is Parquet; a text without. */
  readonly kind?: 'a Parquet file';
  /** The file's content, piece by piece; and how many samples were in it. */
  write(source: ExportSource, write: (piece: string | Uint8Array) => Promise<void>): Promise<number>;
}
