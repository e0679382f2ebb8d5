/**
 * Colours of pages and plots, one table for light and dark. Plots name a colour as a CSS variable, so that one SVG serves both
 * themes inside a page; `literal` turns the names into light colours for files that stand alone.
 *
 * Outcome colours stay apart for red-green blindness by lightness as well as hue, and no plot relies on colour alone.
 */
import type { CountedOutcome } from '../../outcomes.js';

type Shade = { readonly light: string; readonly dark: string };

const SHADES = {
  ink: { light: '#1c2127', dark: '#e4e7eb' },
  muted: { light: '#59636e', dark: '#9aa5b1' },
  faint: { light: '#d9dee3', dark: '#363d45' },
  paper: { light: '#ffffff', dark: '#15181c' },
  panel: { light: '#f5f7f9', dark: '#1d2126' },
  alarm: { light: '#a5301f', dark: '#f2998c' },
  tint: { light: '#fbeceb', dark: '#3a211e' },
  accent: { light: '#1f5fa8', dark: '#7db4f0' },
  'outcome-pass': { light: '#16876b', dark: '#3fb595' },
  'outcome-wrong': { light: '#e3a62f', dark: '#d9a441' },
  'outcome-crash': { light: '#c4412f', dark: '#e26a58' },
  'outcome-load': { light: '#e8917f', dark: '#a9503f' },
  'outcome-resource': { light: '#7a5230', dark: '#b98d64' },
  'outcome-exit': { light: '#8157a8', dark: '#a986d0' },
  'outcome-syntax': { light: '#2c6cb5', dark: '#5e9be0' },
  'outcome-generation': { light: '#93a7bb', dark: '#6b7f94' },
  'outcome-tamper': { light: '#2b2b2b', dark: '#e0e0e0' },
} as const satisfies Readonly<Record<string, Shade>>;

type ColourName = keyof typeof SHADES;

/** A colour by name, for CSS and SVG alike. */
export function colour(name: ColourName): string {
  return `var(--${name})`;
}

export function outcomeColour(outcome: CountedOutcome): string {
  return colour(`outcome-${outcome}`);
}

/** The declarations of all colours for one theme. */
export function declarations(theme: keyof Shade): string {
  return Object.entries(SHADES)
    .map(([name, shade]) => `--${name}:${shade[theme]}`)
    .join(';');
}

/** An SVG with every named colour replaced by its light value. */
export function literal(svg: string): string {
  return svg.replace(/var\(--([a-z-]+)\)/g, (_, name: string) => SHADES[name as ColourName].light);
}
