/**
 * 1.4: a text in another language: it does not parse, and more than half of its tokens and of its lines cannot be Python where
 * they stand (unknown characters, Markdown, one plain word after another, functions in braces). The tokens alone would say so of
 * a short program with one sentence behind it, which is a program that went on for too long; the lines alone, of a program with some
 * short remarks. Or more than half of its lines, which hold more than half of its characters, are another language's by their marks. Short
 * texts are left to 2: a stray word or two are a syntax error like any other.
 */
import type { SourceFacts } from '../../sandbox/verdict.js';
import { foreignLines } from '../foreign-lines.js';
import type { Rule } from './rule.js';

const FEWEST_TOKENS = 8;

export const offLanguage: Rule = (evidence) => {
  const { source } = evidence.verdict.measurements;
  if (source === null || source.parses || source.tokens < FEWEST_TOKENS) return null;
  const counted = byTokens(source);
  if (counted !== null) return counted;
  const { lines, foreign, characters, foreignCharacters } = foreignLines(evidence);
  if (foreign * 2 <= lines || foreignCharacters * 2 <= characters) return null;
  return `${foreign} of ${lines} lines are marked as another language's`;
};

function byTokens(source: SourceFacts): string | null {
  if (source.foreignTokens * 2 <= source.tokens) return null;
  const tokens = `${source.foreignTokens} of ${source.tokens} tokens`;
  // Results of before lines were counted have the tokens alone.
  if (source.lines === undefined || source.foreignLines === undefined) return `${tokens} are no Python`;
  return source.foreignLines * 2 > source.lines ? `${tokens}, ${source.foreignLines} of ${source.lines} lines are no Python` : null;
}
