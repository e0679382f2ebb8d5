/**
 * Text and tables as LaTeX, for pdfLaTeX with the packages booktabs and, for long tables, longtable. Knows no report.
 *
 * Names and messages come from models and configs, and a stray backslash would be a command in somebody's paper: every text goes through
 * {@link latexText}.
 */

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

/** Text in the typewriter font that may break anywhere between eight characters: hashes. */
export function latexCode(text: string): string {
  return `\\texttt{${(text.match(/.{1,8}/gsu) ?? []).map(latexText).join('\\allowbreak{}')}}`;
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
  /** Half the page wide, in as many lines as it takes. */
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

/** The table with its float, caption and label; a `longtable`, which does not float, where it has more than 40 rows. */
export function latexTable({ caption, label, columns, rows }: LatexTable): string {
  const line = (cells: readonly string[]): string => `${cells.map(latexText).join(' & ')} \\\\`;
  const format = columns.map(({ numeric, wraps }) => (wraps ? 'p{0.5\\linewidth}' : numeric ? 'r' : 'l')).join('');
  const head = line(columns.map(({ title }) => title));
  const captionLine = `\\caption{${latexText(caption)}}\\label{tab:${label}}`;
  const body = rows.map(line);
  const lines =
    rows.length > LONG
      ? [
          '% needs \\usepackage{booktabs,longtable}',
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
        ]
      : [
          '% needs \\usepackage{booktabs}',
          '\\begin{table}',
          '\\centering',
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
