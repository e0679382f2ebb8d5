/** Figures as PDF, read back by pdf.js, which shares no code with what wrote them: pages, text, fonts and strokes of the SVG. */
import { getDocumentProxy } from 'unpdf';
import { beforeAll, describe, expect, it } from 'vitest';
import { figurePdf, inWindows1252 } from '../../../src/reports/render/pdf.js';
import { drawPlots } from '../../../src/reports/render/plots/index.js';
import { standalone } from '../../../src/reports/render/plots/render.js';
import { summarise } from '../../../src/reports/summary.js';
import { CATEGORIES, EXPERIMENT, HOSTILE, hostileSample, judgedSamples } from './judged-samples.js';

interface Read {
  readonly pages: number;
  readonly size: readonly number[];
  readonly texts: readonly { readonly text: string; readonly x: number; readonly width: number }[];
  readonly info: Readonly<Record<string, unknown>>;
}

async function read(bytes: Buffer): Promise<Read> {
  const document = await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 });
  const page = await document.getPage(1);
  const { items } = await page.getTextContent();
  return {
    pages: document.numPages,
    size: page.view,
    texts: items.flatMap((item) =>
      'str' in item && item.str !== '' ? [{ text: item.str, x: item.transform[4] as number, width: item.width }] : [],
    ),
    info: (await document.getMetadata()).info as Record<string, unknown>,
  };
}

const svg = (inner: string): string => `<svg width="200" height="100" viewBox="0 0 200 100">${inner}</svg>`;
const label = (text: string, more = ''): string =>
  svg(`<text text-anchor="start" transform="translate(10,20)" font-size="12px" fill="#112233"${more}>${text}</text>`);

describe('figures of a report', () => {
  const rows = [...judgedSamples(12, 10), ...[0, 1, 2].map((sampleIndex) => hostileSample({ sampleIndex }))];
  const data = summarise(EXPERIMENT, rows, { categories: CATEGORIES, resamples: 199 });
  let files: { name: string; svg: string; bytes: Buffer; read: Read }[];

  beforeAll(async () => {
    const plots = await drawPlots(data);
    files = await Promise.all(
      [plots.categories!, plots.problems!, plots.passAtK!].map(async (plot) => {
        const drawn = standalone(plot);
        const bytes = await figurePdf(drawn, plot.description);
        return { name: plot.name, svg: drawn, bytes, read: await read(bytes) };
      }),
    );
  });

  it('are one page of the figure’s size, with its description, and no date of today', () => {
    for (const { svg: drawn, bytes, read: found } of files) {
      const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(drawn)!;
      expect(found.pages).toBe(1);
      expect(found.size).toEqual([0, 0, Number(width) * 0.75, Number(height) * 0.75]);
      expect(found.info).toMatchObject({ Creator: 'faultline', CreationDate: 'D:19700101000000Z' });
      expect(String(found.info['Title'])).toMatch(/^(Bar|Stacked|Line) /);
      expect(bytes.toString('latin1')).toMatch(/^%PDF-1\.\d[^]*startxref\n\d+\n%%EOF\n?$/);
    }
  });

  it('hold every text of the SVG, as text', () => {
    for (const { svg: drawn, read: found } of files) {
      const texts = [...drawn.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) =>
        inWindows1252(
          text!
            .replace(/&quot;/g, '"')
            .replace(/&lt;/g, '<')
            .replace(/&gt;/g, '>')
            .replace(/&amp;/g, '&'),
        ),
      );
      expect(texts.length).toBeGreaterThan(5);
      // pdf.js may cut a text in pieces and joins none across operators.
      const whole = found.texts.map(({ text }) => text).join('');
      for (const text of texts) expect(whole).toContain(text);
    }
  });

  it('paint every visible shape of the SVG once, on a white ground', () => {
    for (const { svg: drawn, bytes } of files) {
      // A shape without a colour of its own has none: the drawing's outermost group says fill none.
      const shapes = [...drawn.matchAll(/<(?:path|line|rect)\b[^>]*>/g)].filter(
        ([tag]) => /(fill|stroke)="#/.test(tag) && !tag.includes('display="none"') && !tag.includes(' d=""'),
      );
      const [, content] = /\nstream\n([^]*?)\nendstream/.exec(bytes.toString('latin1'))!;
      const painted = content!.split('\n').filter((line) => /^(f|S|B)\*?$/.test(line));
      expect(shapes.length).toBeGreaterThan(5);
      expect(painted).toHaveLength(shapes.length + 1);
    }
  });

  it('are the same bytes each time', async () => {
    for (const { svg: drawn, bytes, read: found } of files)
      expect((await figurePdf(drawn, String(found.info['Title']))).equals(bytes)).toBe(true);
  });
});

describe('elements', () => {
  it('anchors a text by its width', async () => {
    const at = async (anchor: string): Promise<{ x: number; width: number }> => {
      const { texts } = await read(
        await figurePdf(label('anchored').replace('start', anchor).replace('translate(10', 'translate(100'), 't'),
      );
      return texts[0]!;
    };
    const [start, middle, end] = [await at('start'), await at('middle'), await at('end')];
    expect(start.x).toBeCloseTo(75, 1);
    expect(middle.x).toBeCloseTo(75 - start.width / 2, 1);
    expect(end.x).toBeCloseTo(75 - start.width, 1);
  });

  it('spells what the standard fonts do not have, and shows hostile text as text', async () => {
    expect(inWindows1252('日 é – − ⟨U+202E⟩ €')).toBe('<U+65E5> é – - <U+202E> €');
    const { texts } = await read(await figurePdf(label('日&lt;/script&gt; é'), HOSTILE.script));
    expect(texts.map(({ text }) => text).join('')).toBe('<U+65E5></script> é');
  });

  it.each([
    ['an element', '<circle r="3"/>', '<circle> with circle'],
    ['an attribute', '<path d="M0,0L1,1" stroke-dasharray="2"/>', '<path> with stroke-dasharray'],
    ['a transform', '<g transform="skewX(3)"></g>', 'transform skewX(3)'],
    ['a number', '<path d="M0,0L1,1" opacity="x"/>', '<path> with opacity x'],
    ['a size', '<text font-size="1em">a</text>', '<text> of size 1em'],
    ['an anchor', '<text font-size="9px" text-anchor="left">a</text>', '<text> anchored at left'],
    ['a tree', '<g>', 'no single <svg>'],
  ])('refuses %s that it does not know, instead of leaving it out', async (_, inner, message) => {
    await expect(figurePdf(inner === '<g>' ? '<g></g>' : svg(inner), 't')).rejects.toMatchObject({
      kind: 'internal',
      message: expect.stringContaining(message) as string,
    });
  });

  it('draws what is hidden not at all', async () => {
    const shown = await read(await figurePdf(label('here'), 't'));
    const hidden = await read(await figurePdf(label('here', ' display="none"'), 't'));
    expect([shown.texts.length, hidden.texts.length]).toEqual([1, 0]);
  });
});
