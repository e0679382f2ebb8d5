/**
 * The datasets that faultline knows by name. One row per dataset: where it comes from, what it must hash to, how its
 * lines become problems. A new one is a row here and, if its format is new, a file beside this one.
 */
import { humanEvalProblem } from './humaneval.js';
import type { JsonLine } from './jsonl.js';
import { mbppProblem, type MbppTemplate } from './mbpp.js';
import type { Problem } from './problem.js';

export interface LoadOptions {
  /** How MBPP's lines become problems; other formats have prompts of their own. Default: `signature`. */
  readonly template?: MbppTemplate;
}

export type ProblemLoader = (line: JsonLine, options: LoadOptions) => Problem;

export interface DatasetRow {
  /** What `faultline data fetch` and `--problems` call it. */
  readonly name: string;
  readonly summary: string;
  readonly problems: number;
  readonly licence: string;
  readonly homepage: string;
  /** Where it is downloaded from; null for bundled data. */
  readonly url: string | null;
  /** Name in the cache folder's `datasets`, or path in the package's `data`. */
  readonly file: string;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
  readonly loader: ProblemLoader;
}

const loadHumanEval: ProblemLoader = (line) => humanEvalProblem(line);
const loadMbpp: ProblemLoader = (line, options) => mbppProblem(line, options.template ?? 'signature');

/** The formats that a file of one's own may have; the loader is chosen by its lines. */
export const loaders = { humaneval: loadHumanEval, mbpp: loadMbpp } as const;

export const datasets: readonly DatasetRow[] = [
  {
    name: 'pico-tasks',
    summary: 'the bundled problems: small functions, 30 easy, 30 medium, 20 hard',
    problems: 80,
    licence: 'MIT',
    homepage: 'data/README.md',
    url: null,
    file: 'problems/pico-tasks.jsonl',
    sha256: 'a82d445602a9939c37ce1a49021d30a22e5e4a48ebd34842a21381a45d574423',
    loader: loadHumanEval,
  },
  {
    name: 'humaneval',
    summary: 'hand-written Python problems with docstrings and tests',
    problems: 164,
    licence: 'MIT',
    homepage: 'https://github.com/openai/human-eval',
    url: 'https://github.com/openai/human-eval/raw/master/data/HumanEval.jsonl.gz',
    file: 'HumanEval.jsonl.gz',
    sha256: 'b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef',
    loader: loadHumanEval,
  },
  {
    name: 'mbpp',
    summary: 'mostly basic Python problems, each with three assertions',
    problems: 974,
    licence: 'CC BY 4.0',
    homepage: 'https://github.com/google-research/google-research/tree/master/mbpp',
    url: 'https://raw.githubusercontent.com/google-research/google-research/master/mbpp/mbpp.jsonl',
    file: 'mbpp.jsonl',
    sha256: 'ccf64ceae9c5403bf50a044cb6d505bfd2a2963ee58338ba268fd65beab92a9f',
    loader: loadMbpp,
  },
];
