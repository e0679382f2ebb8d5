/**
 * A Vega-Lite specification to SVG text, in this process and without a canvas. Knows no report.
 *
 * Vega takes a third of a second to load, so it is loaded here, when the first plot is drawn, and by nobody else.
 */
import type { TopLevelSpec } from 'vega-lite';
import { colour, literal } from './palette.js';

/** Every plot of a report, by file name. */
export const PLOT_NAMES = ['categories', 'problems', 'pass-at-k', 'failure-position', 'first-divergence', 'text-view'] as const;
/** Every plot of a comparison of strategies. */
export const COMPARISON_PLOT_NAMES = ['strategies'] as const;
export type PlotName = (typeof PLOT_NAMES | typeof COMPARISON_PLOT_NAMES)[number];

/** A drawn plot: what a page shows, and what to say about it. */
export interface Plot {
  /** File name without extension. */
  readonly name: PlotName;
  /** What the plot shows, for people who do not see it. */
  readonly description: string;
  /** For inlining: colours are CSS variables. */
  readonly svg: string;
}

/** What a plot module makes: a specification without a theme. */
export interface PlotSpec {
  readonly name: PlotName;
  readonly description: string;
  readonly spec: TopLevelSpec;
}

/** Fonts that a reader's machine has; Vega estimates text widths, so any of similar width fits. */
const FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif";

/** Quiet axes, no frames: ink for data. Mark-level ARIA is off: the description stands on the figure, the numbers in a table. */
const THEME: NonNullable<TopLevelSpec['config']> = {
  background: 'transparent',
  font: FONT,
  view: { stroke: null },
  mark: { aria: false },
  axis: {
    aria: false,
    domain: false,
    ticks: false,
    gridColor: colour('faint'),
    labelColor: colour('ink'),
    labelFontSize: 12,
    labelPadding: 8,
    titleColor: colour('muted'),
    titleFontSize: 12,
    titleFontWeight: 'normal',
    titlePadding: 10,
  },
  legend: { aria: false, labelColor: colour('ink'), labelFontSize: 12, titleColor: colour('muted'), titleFontWeight: 'normal' },
  header: { labelColor: colour('muted'), labelFontSize: 12 },
};

export async function drawPlot({ name, description, spec }: PlotSpec): Promise<Plot> {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const compiled = vegaLite.compile({ ...spec, config: THEME });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logLevel: vega.Error });
  try {
    const drawn = await view.toSVG();
    return { name, description, svg: drawn.replace('<svg ', `<svg role="img" aria-label="${attribute(description)}" `) };
  } finally {
    view.finalize();
  }
}

/** A plot as a file of its own: literal light colours on a white ground. */
export function standalone({ svg }: Plot): string {
  return literal(`<?xml version="1.0" encoding="UTF-8"?>\n${svg.replace('<svg ', '<svg style="background:#ffffff" ')}\n`);
}

/** Safe inside a double-quoted attribute. */
function attribute(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
