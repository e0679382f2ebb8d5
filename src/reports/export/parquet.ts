/**
 * Samples with their verdicts and programs as Apache Parquet: the columns of `csv`, then prompt and completion. Texts are not guarded
 * against spreadsheets, which do not read this.
 */
import { ByteWriter, ParquetWriter, schemaFromColumnData, type BasicType } from 'hyparquet-writer';
import type { JudgedSample } from '../../store/types.js';
import { SAMPLE_COLUMNS } from '../render/csv.js';
import type { ExportFormat } from './format.js';

/** Of the columns that hold no text. */
const TYPES: Partial<Record<keyof typeof SAMPLE_COLUMNS, BasicType>> = {
  // Up to 4,294,967,295, as in the random numbers' counter.
  sample_index: 'INT64',
  difficulty: 'INT32',
  passed: 'BOOLEAN',
  failing_line: 'INT32',
  changed_calls: 'INT32',
  near_limit: 'BOOLEAN',
  tokens: 'INT32',
  mean_logprob: 'DOUBLE',
};

const COLUMNS: readonly { name: string; type: BasicType; of: (sample: JudgedSample) => unknown }[] = [
  ...Object.entries(SAMPLE_COLUMNS).map(([name, of]) => ({
    name,
    type: TYPES[name as keyof typeof SAMPLE_COLUMNS] ?? ('STRING' as const),
    of,
  })),
  { name: 'prompt', type: 'STRING', of: ({ prompt }) => prompt },
  { name: 'completion', type: 'STRING', of: ({ completion }) => completion },
];

/** Rows of one row group: so many samples are in memory, and their part of the file. */
const GROUP_ROWS = 10_000;

export const parquet: ExportFormat = {
  name: 'parquet',
  summary: 'the same columns and the programs as Apache Parquet, for DuckDB, Polars and pandas',
  extension: 'parquet',
  kind: 'a Parquet file',
  async write(source, write) {
    const out = new ByteWriter();
    const writer = new ParquetWriter({ writer: out, schema: schemaFromColumnData({ columnData: columnsOf([]) }), createdBy: 'faultline' });
    let count = 0;
    let group: JudgedSample[] = [];
    /** Hands on what is written. The writer counts on from there: places in the file are by its `offset`. */
    const pass = async (): Promise<void> => {
      await write(out.getBytes());
      out.index = 0;
    };
    const flush = async (): Promise<void> => {
      await writer.write({ columnData: columnsOf(group), rowGroupSize: GROUP_ROWS });
      group = [];
      await pass();
    };
    for (const sample of source.judged()) {
      count++;
      if (group.push(sample) === GROUP_ROWS) await flush();
    }
    if (group.length > 0) await flush();
    await writer.finish();
    await pass();
    return count;
  },
};

function columnsOf(group: readonly JudgedSample[]): { name: string; type: BasicType; data: unknown[] }[] {
  return COLUMNS.map(({ name, type, of }) => ({
    name,
    type,
    data: group.map(of).map((value) => (type === 'INT64' ? BigInt(value as number) : value)),
  }));
}
