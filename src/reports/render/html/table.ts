/** Tables of a page: headers that sort, cells that carry the value they sort by. Knows nothing of what is in them. */
import { markup, type Markup } from './markup.js';

export interface Column<Row> {
  readonly title: string;
  /** What the cell shows. */
  readonly cell: (row: Row) => Markup | string;
  /** What the column sorts by; columns without it do not sort. */
  readonly sortBy?: (row: Row) => string | number;
  /** Right-aligned, with figures of equal width. */
  readonly numeric?: boolean;
  /** The first such column names its row. */
  readonly header?: boolean;
}

export interface TableOptions {
  readonly id: string;
  readonly caption: string;
  /** Scrolls within a box of limited height instead of making the page long. */
  readonly tall?: boolean;
}

export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], { id, caption, tall }: TableOptions): Markup {
  return markup`<div class="scroll${tall === true && ' tall'}" tabindex="0" role="region" aria-label="${caption}">
    <table id="${id}">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(
            ({ title, numeric, sortBy }) =>
              markup`<th scope="col" class="${numeric === true && 'numeric'}">
                ${sortBy === undefined ? title : markup`<button type="button" class="sort">${title}</button>`}
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            markup`<tr>
              ${columns.map((column) => cell(row, column))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function cell<Row>(row: Row, { cell: show, sortBy, numeric, header }: Column<Row>): Markup {
  const value = sortBy === undefined ? null : markup` data-value="${sortBy(row)}"`;
  const kind = numeric === true && markup` class="numeric"`;
  return header === true ? markup`<th scope="row"${kind}${value}>${show(row)}</th>` : markup`<td${kind}${value}>${show(row)}</td>`;
}
