/**
 * 1.4: a text in another language: it does not parse, and more than half of its tokens cannot be Python where they
 * stand (unknown characters, Markdown, one plain word after another, functions in braces). Short texts are left to 2: a
 * stray word or two are a syntax error like any other.
 */
import type { Rule } from './rule.js';

const FEWEST_TOKENS = 8;

export const offLanguage: Rule = ({ verdict: { measurements } }) => {
  const { source } = measurements;
  if (source === null || source.parses || source.tokens < FEWEST_TOKENS) return null;
  return source.foreignTokens * 2 > source.tokens ? `${source.foreignTokens} of ${source.tokens} tokens are no Python` : null;
};
