/**
 * 1.4: a text in another language: it does not parse, and more than half of its tokens and of its lines cannot be Python where
 * they stand (unknown characters, Markdown, one plain word after another, functions in braces). The tokens alone would say so of
 * a short program with one sentence behind it, which is a program that went on for too long; the lines alone, of a program with some
 * short remarks. Short texts are left to 2: a stray word or two are a syntax error like any other.
 */
import type { Rule } from './rule.js';

const FEWEST_TOKENS = 8;

export const offLanguage: Rule = ({ verdict: { measurements } }) => {
  const { source } = measurements;
  if (source === null || source.parses || source.tokens < FEWEST_TOKENS) return null;
  if (source.foreignTokens * 2 <= source.tokens) return null;
  const tokens = `${source.foreignTokens} of ${source.tokens} tokens`;
  // Results of before lines were counted have the tokens alone.
  if (source.lines === undefined || source.foreignLines === undefined) return `${tokens} are no Python`;
  return source.foreignLines * 2 > source.lines ? `${tokens}, ${source.foreignLines} of ${source.lines} lines are no Python` : null;
};
