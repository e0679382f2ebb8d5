/** Markdown tables for terminals and for benchmarks/README.md: columns padded to the same width. */

/** @param {string[]} head @param {string[][]} rows */
export function markdownTable(head, rows) {
  const widths = head.map((title, column) => Math.max(...[title, ...rows.map((row) => row[column])].map((cell) => cell.length)));
  const line = (/** @type {string[]} */ cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
