/** A decision as columns of the tables `classifications` and `categories`, and back. Pure: no SQL, and nothing is lost on the way. */
import { storable, storableOrNull } from './text.js';
import type { DecisionRow, PublishedCodes } from './types.js';

/** Columns of `classifications`, but for the category's id. All are results. */
export interface DecisionColumns {
  outcome: string;
  evidence: string;
  generationCode: string | null;
  rule: string | null;
  failingLine: number | null;
  failingColumn: number | null;
  failingNode: string | null;
  spanStart: number | null;
  spanEnd: number | null;
  tokenFirst: number | null;
  tokenLast: number | null;
  tags: string | null;
}

/** Column names by field: the one list from which statements are built. */
export const DECISION_FIELDS: Readonly<Record<keyof DecisionColumns, string>> = {
  outcome: 'outcome',
  evidence: 'evidence',
  generationCode: 'generation_code',
  rule: 'rule',
  failingLine: 'failing_line',
  failingColumn: 'failing_column',
  failingNode: 'failing_node',
  spanStart: 'span_start',
  spanEnd: 'span_end',
  tokenFirst: 'token_first',
  tokenLast: 'token_last',
  tags: 'tags',
};

/** Columns of `categories`. */
export interface CategoryColumns {
  categoryCode: string | null;
  categoryName: string | null;
  dou: string | null;
  tambon: string | null;
  codehalu: string | null;
}

export function toDecisionColumns(row: DecisionRow): DecisionColumns {
  const { place, tokens } = row;
  return {
    outcome: row.outcome,
    evidence: storable(row.evidence),
    generationCode: row.generationCode,
    rule: storableOrNull(row.rule),
    failingLine: place?.line ?? null,
    failingColumn: place?.column ?? null,
    failingNode: storableOrNull(row.node),
    spanStart: place?.range?.start ?? null,
    spanEnd: place?.range?.end ?? null,
    tokenFirst: tokens?.first ?? null,
    tokenLast: tokens?.last ?? null,
    tags: storable(JSON.stringify(row.tags)),
  };
}

export function toCategoryColumns({ categoryCode, categoryName, published }: DecisionRow): CategoryColumns {
  const codes = (name: keyof PublishedCodes): string | null => (published === null ? null : JSON.stringify(published[name]));
  return { categoryCode, categoryName, dou: codes('dou'), tambon: codes('tambon'), codehalu: codes('codehalu') };
}

/** What a category is called elsewhere; null without one. Trusts its texts as far as this module wrote them. */
export function fromPublishedColumns({ dou, tambon, codehalu }: Pick<CategoryColumns, keyof PublishedCodes>): PublishedCodes | null {
  return dou === null || tambon === null || codehalu === null ? null : { dou: list(dou), tambon: list(tambon), codehalu: list(codehalu) };
}

/** Trusts its texts as far as this module wrote them. Rows of before have no rule, place or tags. */
export function fromDecisionColumns(columns: DecisionColumns & CategoryColumns): DecisionRow {
  const { failingLine, failingColumn, spanStart, spanEnd, tokenFirst, tokenLast } = columns;
  return {
    categoryCode: columns.categoryCode,
    categoryName: columns.categoryName,
    published: fromPublishedColumns(columns),
    outcome: columns.outcome,
    evidence: columns.evidence,
    generationCode: columns.generationCode,
    rule: columns.rule,
    place:
      failingLine === null
        ? null
        : {
            line: failingLine,
            column: failingColumn,
            range: spanStart === null || spanEnd === null ? null : { start: spanStart, end: spanEnd },
          },
    tokens: tokenFirst === null || tokenLast === null ? null : { first: tokenFirst, last: tokenLast },
    node: columns.failingNode,
    tags: columns.tags === null ? [] : list(columns.tags),
  };
}

function list(text: string): string[] {
  return JSON.parse(text) as string[];
}
