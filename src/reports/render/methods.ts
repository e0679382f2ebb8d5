/** The methods paragraph as files to paste from: plain text in lines, and LaTeX. Says nothing of its own. */
import { methodsLine, methodsParts } from '../methods.js';
import type { ReportData } from '../report-data.js';
import { wrap } from './format.js';
import { latexCode, latexText } from './latex.js';
import { visibleLine } from './visible.js';

/** Lines of at most 100 characters. */
export function methodsText(data: ReportData): string {
  return `${wrap(visibleLine(methodsLine(data)), 100).join('\n')}\n`;
}

/** A paragraph for `\input`; needs no package. Sloppy, because names and hashes leave few places to break a line. */
export function methodsLatex(data: ReportData): string {
  const parts = methodsParts(data).map((part) => (typeof part === 'string' ? latexText(part) : latexCode(part.code)));
  return `{\\sloppy\n${parts.join('').trimEnd()}\\par}\n`;
}
