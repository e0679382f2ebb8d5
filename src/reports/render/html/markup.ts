/**
 * HTML by template literal, escaped by default: every interpolated string is untrusted, and only {@link Markup} passes through.
 * There is no way to write a tag from a plain string but {@link trusted}, so a search for its name finds every place that could.
 *
 * The tag is not called `html`, because formatters reflow templates of that name, and white space counts in a listing.
 */
import { visible, visibleLine } from '../visible.js';

/** Finished markup. */
export class Markup {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

type Piece = string | number | null | undefined | false | Markup | readonly Piece[];

/** Markup with every interpolation escaped; arrays are joined, null, undefined and false are nothing. Texts are for one line: see {@link multiline}. */
export function markup(strings: TemplateStringsArray, ...pieces: Piece[]): Markup {
  let text = strings[0]!;
  pieces.forEach((piece, i) => {
    text += render(piece) + strings[i + 1]!;
  });
  return new Markup(text);
}

/** Text that keeps its newlines and tabs, for preformatted elements. */
export function multiline(text: string): Markup {
  return new Markup(escape(visible(text)));
}

/** Text of this program's own making, taken as markup: style sheets, the script, drawn plots. Never anything from a sample. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function render(piece: Piece): string {
  if (piece === null || piece === undefined || piece === false) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'number') return String(piece);
  if (typeof piece === 'string') return escape(visibleLine(piece));
  return piece.map(render).join('');
}

/** Safe as element content and inside quoted attributes. */
function escape(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
