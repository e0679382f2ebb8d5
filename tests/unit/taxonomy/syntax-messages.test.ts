/**
 * The leaves of 2 against what CPython really says: the recorded messages of five minor versions, and those of the
 * interpreter at hand, compiled now.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { classify } from '../../../src/taxonomy/classify.js';
import { evidence, exception } from './evidence.js';

interface Seen {
  type: string;
  bases: string[];
  message: string;
  line: number | null;
  column: number | null;
}
interface Case {
  leaf: string | Record<string, string>;
  completion: string;
  seen: Record<string, Seen>;
}

const { prompt, cases } = JSON.parse(readFileSync(new URL('../../golden/syntax-errors.json', import.meta.url), 'utf8')) as {
  prompt: string;
  cases: Case[];
};
const VERSIONS = ['3.9', '3.10', '3.11', '3.12', '3.13'];

function leafOf(completion: string, seen: Seen): string | undefined {
  const { type, message, bases, line, column } = seen;
  const given = exception(type, message, { bases, line, column, frames: [], node: null });
  return classify(evidence({ status: 'syntax', exception: given }, { prompt, completion, finishReason: 'eos' })).category?.code;
}

function wanted({ leaf }: Case, version: string): string | undefined {
  return typeof leaf === 'string' ? leaf : (leaf[version] ?? leaf['default']);
}

describe.each(VERSIONS)('CPython %s', (version) => {
  test.each(cases.map((each) => [each.completion, each] as const))('%j', (completion, each) => {
    expect(leafOf(completion, each.seen[version]!), each.seen[version]!.message).toBe(wanted(each, version));
  });
});

const COMPILE = `
import json, sys, warnings
warnings.simplefilter('ignore')
version = '%d.%d' % sys.version_info[:2]
out = []
for program in json.load(sys.stdin):
    try:
        compile(program, '<sample>', 'exec')
        out.append(None)
    except Exception as error:
        out.append({'type': type(error).__name__, 'bases': [base.__name__ for base in type(error).__mro__[:-1]],
                    'message': getattr(error, 'msg', None) or str(error), 'line': getattr(error, 'lineno', None),
                    'column': getattr(error, 'offset', None)})
json.dump([version, out], sys.stdout)
`;

describe('the python3 of this machine', () => {
  it('says what puts each case in its leaf', () => {
    const input = JSON.stringify(cases.map(({ completion }) => prompt + completion));
    const [version, seen] = JSON.parse(execFileSync('python3', ['-I', '-S', '-c', COMPILE], { input, encoding: 'utf8' })) as [
      string,
      (Seen | null)[],
    ];
    const found = cases.map(({ completion }, i) => [completion, seen[i] === null ? 'compiles' : leafOf(completion, seen[i]!)]);
    expect(found).toEqual(cases.map((each) => [each.completion, wanted(each, version)]));
  });
});
