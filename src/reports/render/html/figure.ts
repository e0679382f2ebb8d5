/** A drawn plot in the page. */
import type { Plot } from '../plots/render.js';
import { markup, trusted, type Markup } from './markup.js';

/** Wide plots scroll within their own box on narrow screens: shrunk, their labels could not be read. */
export function figure(plot: Plot, caption: string): Markup {
  return markup`<figure id="plot-${plot.name}">
    <div class="scroll" tabindex="0" role="region" aria-label="${caption}">${trusted(plot.svg)}</div>
    <figcaption>${caption}</figcaption>
  </figure>`;
}
