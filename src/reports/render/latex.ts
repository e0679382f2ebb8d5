/**
 * Text and tables as LaTeX, for pdfLaTeX with the packages booktabs and, for long tables, longtable. Knows no report.
 *
 * Names and messages come from models and configs, and a stray backslash would be a command in somebody's paper: every text goes through
 * {@link latexText}.
 */
import { sum } from '../statistics/sum.js';

/** Characters that LaTeX would obey, or print as others than they are (in its default encoding OT1). */
const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  $: '\\$',
  '&': '\\&',
  '#': '\\#',
  '%': '\\%',
  _: '\\_',
  '^': '\\textasciicircum{}',
  '~': '\\textasciitilde{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': '\\texttt{"}',
  '`': '\\textasciigrave{}',
  '–': '--',
  '—': '---',
  '‘': '\\textquoteleft{}',
  '’': '\\textquoteright{}',
  '“': '\\textquotedblleft{}',
  '”': '\\textquotedblright{}',
  '…': '\\dots{}',
  '−': '$-$',
  '×': '$\\times$',
  '±': '$\\pm$',
  '≤': '$\\le$',
  '≥': '$\\ge$',
  '\u00a0': '~',
};

/** Latin letters that pdfLaTeX sets in its default encoding without a further package. */
const LETTERS = /[ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ]/;

/** Plain text as LaTeX that prints it. What pdfLaTeX has no character for is spelled as its code, `U+4E2D`: it would stop there. */
export function latexText(text: string): string {
  let out = '';
  let before = '';
  for (const character of text) {
    // Two of these in a row are one other character: a dash, a closing quote, a low quote.
    if (character === before && /[-',]/.test(character)) out += '{}';
    before = character;
    out += SPECIAL[character] ?? (/[ -~]/.test(character) || LETTERS.test(character) ? character : `\\texttt{${codeOf(character)}}`);
  }
  return out;
}

/**
 * Text in the typewriter font that may break, without a hyphen, after `.`, `_`, `/`, `-`, `=`, `,` and `:`, and within what is longer than a
 * word between two of these: hashes.
 */
export function latexCode(text: string): string {
  return `\\texttt{${pieces(text, 8).map(latexText).join('\\allowbreak{}')}}`;
}

/** Text for a narrow column: names may break as code may, in the text's own font. */
function latexNarrow(text: string): string {
  return pieces(text, WORD).map(latexText).join('\\allowbreak{}');
}

/** The text cut where a name may break: behind its marks, and after so many characters. */
function pieces(text: string, most: number): string[] {
  return text.match(new RegExp(`[^._/\\-=,: ]{${most}}|[^._/\\-=,: ]{0,${most - 1}}[._/\\-=,: ]+|.{1,${most}}`, 'gsu')) ?? [];
}

/** How a character that cannot be shown is spelled. */
export function codeOf(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

export interface LatexColumn {
  /** Plain text. */
  readonly title: string;
  /** Right-aligned. */
  readonly numeric: boolean;
  /** May take several lines; others do where the table would not fit the line. */
  readonly wraps: boolean;
}

export interface LatexTable {
  /** Plain text. */
  readonly caption: string;
  /** Letters, digits and `-`; the label is `tab:` before it. */
  readonly label: string;
  readonly columns: readonly LatexColumn[];
  /** Plain texts, one for each column. */
  readonly rows: readonly (readonly string[])[];
}

/** From so many rows on, a table may break between pages. */
const LONG = 40;
/** Characters of `\small` that fit a line of the class `article` at 10 points, 345 pt, and what the space between two columns takes. */
const LINE = 73;
const GAP = 1.8;
/** The least that a column is narrowed to, in characters, where what cannot break is no longer. */
const NARROW = 10;
/** Characters after which a name without a mark may break all the same. */
const WORD = 16;

/**
 * The table with its float, caption and label; a `longtable`, which does not float, where it has more than 40 rows. Columns of text become paragraphs,
 * the widest first, where the table would be wider than the line of an `article` of one column; numbers never do.
 */
export function latexTable({ caption, label, columns, rows }: LatexTable): string {
  const widths = narrowed(columns, rows);
  const line = (cells: readonly string[]): string => {
    const row = `${cells.map((cell, i) => (widths[i] === null ? latexText(cell) : latexNarrow(cell))).join(' & ')} \\\\`;
    // The row end or rule before it would take these for its own: a length to leave, a star.
    return /^[[*]/.test(row) ? `{}${row}` : row;
  };
  const format = columns
    .map(({ numeric }, i) => {
      const width = widths[i] ?? null;
      if (width !== null) return `>{\\raggedright\\arraybackslash}p{${((width / LINE) * 0.98).toFixed(3)}\\linewidth}`;
      return numeric ? 'r' : 'l';
    })
    .join('');
  const packages = [...(widths.some((width) => width !== null) ? ['array'] : []), 'booktabs', ...(rows.length > LONG ? ['longtable'] : [])];
  const needs = `% needs \\usepackage{${packages.join(',')}}`;
  const head = line(columns.map(({ title }) => title));
  const captionLine = `\\caption{${latexText(caption)}}\\label{tab:${label}}`;
  const body = rows.map(line);
  const lines =
    rows.length > LONG
      ? [
          needs,
          '\\begingroup\\small\\setlength{\\tabcolsep}{4pt}',
          `\\begin{longtable}{${format}}`,
          `${captionLine} \\\\`,
          '\\toprule',
          head,
          '\\midrule',
          '\\endfirsthead',
          '\\toprule',
          head,
          '\\midrule',
          '\\endhead',
          '\\bottomrule',
          '\\endfoot',
          ...body,
          '\\end{longtable}',
          '\\endgroup',
        ]
      : [
          needs,
          '\\begin{table}',
          '\\centering\\small\\setlength{\\tabcolsep}{4pt}',
          captionLine,
          `\\begin{tabular}{${format}}`,
          '\\toprule',
          head,
          '\\midrule',
          ...body,
          '\\bottomrule',
          '\\end{tabular}',
          '\\end{table}',
        ];
  return `${lines.join('\n')}\n`;
}

/** For each column its width in characters where it is to be a paragraph, else null. */
function narrowed(columns: readonly LatexColumn[], rows: readonly (readonly string[])[]): (number | null)[] {
  const natural = columns.map(({ title }, i) => rows.reduce((most, row) => Math.max(most, row[i]!.length), title.length));
  const room = LINE - GAP * (columns.length - 1);
  const width = [...natural];
  // And one for letters that are wider than the average.
  const least = columns.map(({ title }, i) =>
    [title, ...rows.map((row) => row[i]!)].reduce(
      (most, text) => pieces(text, WORD).reduce((longest, piece) => Math.max(longest, Math.ceil(piece.trimEnd().length * 1.15)), most),
      NARROW,
    ),
  );
  const isText = columns.map(({ numeric }) => !numeric);
  for (let over = sum(width) - room; over > 0; over = sum(width) - room) {
    const widest = width.reduce(
      (best, own, i) => (isText[i] === true && own > least[i]! && (best < 0 || own > width[best]!) ? i : best),
      -1,
    );
    if (widest < 0) break;
    // Down to the next widest, so that columns alike in width stay alike.
    const next = Math.max(0, ...width.filter((own, i) => isText[i] === true && own < width[widest]!));
    width[widest] = Math.max(next - 1, width[widest]! - over, least[widest]!);
  }
  return width.map((own, i) => (own < natural[i]! || columns[i]!.wraps ? own : null));
}
