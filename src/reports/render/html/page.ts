/**
 * The frame of a page that needs nothing else: style, script and plots are inside, and its content security policy
 * forbids the network and any script but its own. Readable without the script, in light and dark, narrow, and on paper. Knows no report.
 */
import { createHash } from 'node:crypto';
import { markup, trusted, type Markup } from './markup.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

export interface Page {
  readonly title: string;
  /** Of what made the numbers. */
  readonly version: string;
  /** Above the navigation. */
  readonly head: Markup;
  /** Where the navigation leads, by the section's id. */
  readonly sections: readonly (readonly [id: string, title: string])[];
  readonly main: Markup;
  readonly foot: string;
}

export function page({ title, version, head, sections, main, foot }: Page): string {
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${trusted(policy)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="faultline ${version}" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>${trusted(STYLE)}</style>
      </head>
      <body>
        <header>
          ${head}
          <nav aria-label="Sections">${sections.map(([id, name]) => markup`<a href="#${id}">${name}</a>`)}</nav>
        </header>
        <main>
          ${main}
        </main>
        <footer>
          ${foot}
        </footer>
        <script>${trusted(SCRIPT)}</script>
      </body>
    </html> `.text;
}
