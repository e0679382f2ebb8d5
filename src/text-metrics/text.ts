/**
 * A text in the forms in which it is compared: code points, words, Python's tokens, blocks, syntax tree. Each is made once, when it is first
 * asked for, so that a reference that many samples are compared with is taken apart once. No measures: they stand in files of their own.
 */
import { blocksOf, type Block } from './blocks.js';
import { pythonTokens, type PythonToken } from './python-tokens.js';
import { syntaxTreeOf, type SyntaxTree } from './syntax-tree.js';

/** What Python's `str.split()` splits at: Unicode's white space and the four separators U+001C to U+001F, but not U+FEFF. */
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;

/**
 * A text to compare. Line ends become `\n`; blank lines at the beginning and white space at the end are left out, because a sample
 * is cut where generation stopped and a canonical solution ends as its author left it. Everything else counts, comments too.
 */
export class ComparedText {
  /** As it is compared. */
  readonly text: string;
  private madePoints: Uint32Array | undefined;
  private madeInk: Uint32Array | undefined;
  private madeWords: readonly string[] | undefined;
  private madeTokens: readonly PythonToken[] | undefined;
  private madeTokenTexts: readonly string[] | undefined;
  private madeBlocks: Block | undefined;
  private madeTree: SyntaxTree | null | undefined;

  constructor(text: string) {
    this.text = text
      .replace(/\r\n?/g, '\n')
      .replace(/^(?:[ \t\f]*\n)+/, '')
      .trimEnd();
  }

  /** Unicode code points; half a surrogate pair counts as one. */
  get codePoints(): Uint32Array {
    return (this.madePoints ??= codePointsOf(this.text));
  }

  /** The code points that are no white space, in order. */
  get ink(): Uint32Array {
    return (this.madeInk ??= this.codePoints.filter((point) => !isWhiteSpace(point)));
  }

  /** The pieces between white space, as Python's `str.split()` gives them. */
  get words(): readonly string[] {
    return (this.madeWords ??= this.text.split(WHITE_SPACE).filter((word) => word !== ''));
  }

  /** Python's tokens, ends of lines included. */
  get tokens(): readonly PythonToken[] {
    return (this.madeTokens ??= pythonTokens(this.text));
  }

  /** The texts of Python's tokens, without ends of lines. */
  get tokenTexts(): readonly string[] {
    return (this.madeTokenTexts ??= this.tokens.filter(({ kind }) => kind !== 'line_end').map(({ text }) => text));
  }

  /** The tree of statements that indentation spells; its root stands for the whole text. */
  get blocks(): Block {
    return (this.madeBlocks ??= blocksOf(this.text, this.tokens));
  }

  /** The syntax tree, null where there is none: see `syntaxTreeOf`, which throws before `loadGrammar`. */
  get syntaxTree(): SyntaxTree | null {
    if (this.madeTree === undefined) this.madeTree = syntaxTreeOf(this.text, this.tokens);
    return this.madeTree;
  }
}

/** A text's Unicode code points, in order; half a surrogate pair stands for itself. */
export function codePointsOf(text: string): Uint32Array {
  const points = new Uint32Array(text.length);
  let count = 0;
  for (let at = 0; at < text.length; count++) {
    const point = text.codePointAt(at)!;
    points[count] = point;
    at += point > 0xffff ? 2 : 1;
  }
  return points.subarray(0, count);
}

/** Whether Python's `str.split()` splits at this code point. */
function isWhiteSpace(point: number): boolean {
  if (point < 0x80) return point === 0x20 || (point >= 0x09 && point <= 0x0d) || (point >= 0x1c && point <= 0x1f);
  // All of it lies in the basic plane.
  return point <= 0xffff && WHITE_SPACE.test(String.fromCharCode(point));
}
