/**
 * A drawn figure as PDF: the elements of Vega's SVG, one by one, as pdfkit's. No general SVG reader: whatever Vega's drawings do not hold
 * today is an error, so that no figure loses a part of itself unseen.
 *
 * Text stays text, in Helvetica and Helvetica-Bold, which every PDF reader has (two of the standard 14 fonts) and which journals that want
 * fonts embedded replace. Those hold Windows-1252 alone: other characters are spelled as their code, `<U+4E2D>`. The bytes are a
 * function of the figure: dated to 1970, and uncompressed, as zlib's bytes depend on the build of Node.
 */
import { FaultlineError } from '../../errors.js';
import { codeOf } from './latex.js';

/** What is inherited down the tree, as the attributes say it. */
interface Style {
  readonly fill: string;
  readonly stroke: string;
  readonly strokeWidth: number;
  readonly miterLimit: number;
}

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/**
 * @param svg as `standalone` gives it: literal colours
 * @param title the document's title
 * @returns a PDF of one page, as large as the figure, a CSS pixel being 3/4 of a point
 * @throws FaultlineError kind `internal` for what no figure of ours holds
 */
export async function figurePdf(svg: string, title: string): Promise<Buffer> {
  // Loaded when the first figure is written, as Vega is.
  const { default: Document } = await import('pdfkit');
  const root = parse(svg);
  const [width, height] = [numberOf(root, 'width'), numberOf(root, 'height')];
  const document = new Document({
    size: [width * POINTS, height * POINTS],
    margin: 0,
    compress: false,
    // pdfkit writes no file without a date; that of its making would make each file another.
    info: { Title: title, Creator: 'faultline', Producer: 'faultline, pdfkit', CreationDate: new Date(0) },
  });
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on('data', (chunk: Buffer) => chunks.push(chunk));
    document.on('end', resolve);
    document.on('error', reject);
  });
  document.scale(POINTS);
  document.rect(0, 0, width, height).fill('#ffffff');
  for (const child of root.children) draw(document, child, { fill: 'black', stroke: 'none', strokeWidth: 1, miterLimit: 4 });
  document.end();
  await ended;
  return Buffer.concat(chunks);
}

const POINTS = 0.75;

/** What says nothing about the drawing. */
const SILENT = new Set(['class', 'role', 'aria-hidden', 'aria-label', 'aria-roledescription', 'pointer-events', 'font-family']);
const SHAPE = ['transform', 'fill', 'stroke', 'stroke-width', 'stroke-miterlimit', 'opacity', 'display'];
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  g: ['transform', 'fill', 'stroke', 'stroke-width', 'stroke-miterlimit'],
  path: [...SHAPE, 'd'],
  line: [...SHAPE, 'x2', 'y2'],
  rect: [...SHAPE, 'x', 'y', 'width', 'height'],
  text: ['transform', 'fill', 'opacity', 'display', 'text-anchor', 'font-size', 'font-weight'],
};

function draw(document: PDFKit.PDFDocument, element: Element, inherited: Style): void {
  const { name, attributes, children } = element;
  const allowed = ALLOWED[name];
  const unknown = allowed === undefined ? name : Object.keys(attributes).find((key) => !SILENT.has(key) && !allowed.includes(key));
  if (unknown !== undefined) throw unreadable(`<${name}> with ${unknown}`);
  if (attributes['display'] === 'none') return;
  const style: Style = {
    fill: attributes['fill'] ?? inherited.fill,
    stroke: attributes['stroke'] ?? inherited.stroke,
    strokeWidth: optionalNumber(element, 'stroke-width') ?? inherited.strokeWidth,
    miterLimit: optionalNumber(element, 'stroke-miterlimit') ?? inherited.miterLimit,
  };
  document.save();
  transform(document, attributes['transform'] ?? '');
  if (name === 'g') for (const child of children) draw(document, child, style);
  else if (name === 'text') drawText(document, element, style);
  else drawShape(document, element, style);
  document.restore();
}

function drawShape(document: PDFKit.PDFDocument, element: Element, { fill, stroke, strokeWidth, miterLimit }: Style): void {
  const { name, attributes } = element;
  const filled = fill !== 'none' && name !== 'line';
  const stroked = stroke !== 'none' && strokeWidth > 0;
  if ((!filled && !stroked) || attributes['d'] === '') return;
  document.opacity(optionalNumber(element, 'opacity') ?? 1);
  if (stroked) document.lineWidth(strokeWidth).miterLimit(miterLimit);
  if (name === 'path') document.path(attributes['d'] ?? '');
  else if (name === 'line') document.moveTo(0, 0).lineTo(optionalNumber(element, 'x2') ?? 0, optionalNumber(element, 'y2') ?? 0);
  else {
    const [x, y] = [optionalNumber(element, 'x') ?? 0, optionalNumber(element, 'y') ?? 0];
    document.rect(x, y, numberOf(element, 'width'), numberOf(element, 'height'));
  }
  if (filled && stroked) document.fillAndStroke(fill, stroke);
  else if (filled) document.fill(fill);
  else document.stroke(stroke);
}

function drawText(document: PDFKit.PDFDocument, element: Element, { fill }: Style): void {
  const { attributes, text } = element;
  const anchor = attributes['text-anchor'] ?? 'start';
  const size = Number(/^([\d.]+)px$/.exec(attributes['font-size'] ?? '')?.[1] ?? NaN);
  if (Number.isNaN(size)) throw unreadable(`<text> of size ${attributes['font-size'] ?? 'none'}`);
  const shown = inWindows1252(text);
  document.font(attributes['font-weight'] === 'bold' ? 'Helvetica-Bold' : 'Helvetica').fontSize(size);
  const share = { start: 0, middle: 0.5, end: 1 }[anchor];
  if (share === undefined) throw unreadable(`<text> anchored at ${anchor}`);
  document.opacity(optionalNumber(element, 'opacity') ?? 1).fillColor(fill);
  document.text(shown, -share * document.widthOfString(shown), 0, { lineBreak: false, baseline: 'alphabetic' });
}

/** The characters of Windows-1252 beyond Latin-1. */
const BEYOND_LATIN_1 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';

/** The text in the characters that the standard fonts have. */
export function inWindows1252(text: string): string {
  return Array.from(
    text.replaceAll('−', '-').replace(/[⟨⟩]/g, (bracket) => (bracket === '⟨' ? '<' : '>')),
    (character) => (/[ -~\u00a0-\u00ff]/.test(character) || BEYOND_LATIN_1.includes(character) ? character : `<${codeOf(character)}>`),
  ).join('');
}

function transform(document: PDFKit.PDFDocument, list: string): void {
  const rest = list.replace(/(translate|rotate)\(([-\d.e]+)(?:,([-\d.e]+))?\)\s*/g, (_, kind: string, first: string, second?: string) => {
    if (kind === 'translate') document.translate(Number(first), Number(second ?? 0));
    else document.rotate(Number(first));
    return '';
  });
  if (rest !== '') throw unreadable(`transform ${rest}`);
}

function numberOf(element: Element, key: string): number {
  const value = optionalNumber(element, key);
  if (value === null) throw unreadable(`<${element.name}> without ${key}`);
  return value;
}

function optionalNumber({ name, attributes }: Element, key: string): number | null {
  const text = attributes[key];
  if (text === undefined) return null;
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw unreadable(`<${name}> with ${key} ${text}`);
  return value;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(decimal === undefined ? parseInt(hex!, 16) : Number(decimal));
  });
}

/** The root of what Vega writes: elements, attributes in double quotes, text. */
function parse(svg: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  for (const [, declaration, closing, name, attributes, alone, text] of svg.matchAll(
    /(<\?[^>]*\?>)|<\/([\w-]+)>|<([\w-]+)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>|([^<]+)/g,
  )) {
    const parent = open.at(-1)!;
    if (declaration !== undefined) continue;
    if (text !== undefined) parent.text += unescape(text);
    else if (closing !== undefined) {
      if (open.pop()!.name !== closing) throw unreadable(`</${closing}> that closes nothing`);
    } else {
      const pairs = [...attributes!.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, unescape(value!)] as const);
      const element: Element = { name: name!, attributes: Object.fromEntries(pairs), children: [], text: '' };
      parent.children.push(element);
      if (alone === '') open.push(element);
    }
  }
  const [only] = root.children;
  if (open.length !== 1 || only?.name !== 'svg') throw unreadable('no single <svg>');
  return only;
}

function unreadable(what: string): FaultlineError {
  return new FaultlineError('internal', `a figure holds what its PDF cannot show: ${what}`);
}
