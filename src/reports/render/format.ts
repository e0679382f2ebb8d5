/** Numbers and intervals as people read them. Knows no markup. */
import type { Estimate } from '../statistics/bootstrap.js';
import { shorten } from './visible.js';

/** What stands where there is nothing to say. */
export const NO_VALUE = '–';

/** A share as a percentage with one decimal: `12.3 %`. Shares that round to 0 or 100 without being it say so: `<0.1 %`. */
export function percent(share: number | null): string {
  if (share === null) return NO_VALUE;
  if (share > 0 && share < 0.0005) return '<0.1 %';
  if (share < 1 && share >= 0.9995) return '>99.9 %';
  return `${(share * 100).toFixed(1)} %`;
}

/** An interval in percent: `10.1 to 14.8 %`. */
export function percentInterval({ low, high }: Estimate): string {
  return low === null || high === null ? NO_VALUE : `${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)} %`;
}

/** A whole number with thin groups of thousands: `16,400`. */
export function whole(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** A number with a fixed count of decimals and a real minus sign. */
export function decimal(value: number | null, digits: number): string {
  return value === null ? NO_VALUE : value.toFixed(digits).replace('-', '−');
}

/** A value with its interval, where it has one: `0.71 (0.66 to 0.75)`. */
export function decimalEstimate({ value, low, high }: Pick<Estimate, 'value' | 'low' | 'high'>, digits: number): string {
  if (value === null || low === null || high === null) return decimal(value, digits);
  return `${decimal(value, digits)} (${decimal(low, digits)} to ${decimal(high, digits)})`;
}

/** `1 problem`, `2 problems`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${whole(count)} ${count === 1 ? noun : nouns}`;
}

/** The text in lines of at most `width` characters, broken at spaces, though not before a percent sign; a longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ (?!%)/)) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (joined.length > width && line !== '') {
      lines.push(line);
      line = shorten(word, width);
    } else line = shorten(joined, width);
  }
  return [...lines, line];
}

/** Seconds with three digits or so: `0.42 s`, `12.3 s`, `1,234 s`. */
export function seconds(value: number): string {
  return `${value >= 100 ? whole(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2)} s`;
}

/** A difference of shares in percentage points, with its sign. */
export function points(value: number | null): string {
  return value === null ? NO_VALUE : `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)}`;
}

/** The interval of such a difference. */
export function pointsInterval({ low, high }: Pick<Estimate, 'low' | 'high'>): string {
  return low === null || high === null ? NO_VALUE : `${points(low)} to ${points(high)}`;
}

/** A p-value with three decimals. */
export function probability(p: number | null): string {
  return p === null ? NO_VALUE : p < 0.0005 ? '<0.001' : p.toFixed(3);
}
