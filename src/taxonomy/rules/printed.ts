/** 8.2: the failing call returned None, and what the program printed last, or all it printed, is the expected value. */
import type { Rule } from './rule.js';
import { quote } from './rule.js';

export const printed: Rule = ({ verdict: { outcome, measurements } }) => {
  if (outcome.status !== 'assertion') return null;
  const { returnedType, expected, expectedType } = outcome.assertion;
  if (returnedType !== 'NoneType' || expected === null || expectedType === 'NoneType') return null;
  const whole = measurements.stdout.replace(/\r\n/g, '\n').replace(/\n$/, '');
  if (whole === '') return null;
  const last = whole.slice(whole.lastIndexOf('\n') + 1);
  const forms = [expected, ...(expectedType === 'str' ? [unquoted(expected)] : [])];
  return forms.some((form) => form === whole || form === last) ? `returned None and printed ${quote(last)}` : null;
};

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** The string whose `repr` this is: what `print` would have shown. */
function unquoted(repr: string): string {
  return repr
    .slice(1, -1)
    .replace(
      /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([ntr\\'"]))/g,
      (_, x?: string, u?: string, long?: string, plain?: string) => {
        if (plain !== undefined) return ESCAPES[plain]!;
        const point = parseInt(x ?? u ?? long!, 16);
        return point <= 0x10ffff ? String.fromCodePoint(point) : '\uFFFD';
      },
    );
}
