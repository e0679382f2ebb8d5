import { describe, expect, it } from 'vitest';
import {
  blank,
  calledNames,
  isIdentifier,
  namesIn,
  normalizeNewlines,
  splitFunction,
  topLevelStatements,
} from '../../../src/datasets/python-source.js';
import { askPython } from './python.js';

describe('blank', () => {
  it('keeps every offset', () => {
    const source = 'x = f"""a\n"b" #{"""  # c\ny = rb\'\\\'(\' + \\\n  z\n';
    expect(blank(source)).toHaveLength(source.length);
    expect(blank(source)).toBe(
      'x = ' + '"'.repeat('f"""a\n"b" #{"""'.length) + '     ' + '\ny = ' + '"'.repeat("rb'\\'('".length) + ' +   ' + '  z\n',
    );
  });

  it('does not take the end of a name for a prefix', () => {
    expect(blank('buf"a"')).toBe('buf"""');
    expect(blank('x=u"a"')).toBe('x=""""');
  });

  it('ends an unterminated string at its line', () => {
    expect(blank('a = "b\nc')).toBe('a = ""\nc');
  });
});

describe('topLevelStatements', () => {
  const source = normalizeNewlines(
    [
      '"""Doc: def not_here(): pass',
      'class Nor: this',
      '"""',
      'from typing import (',
      '    List,',
      '  Dict as D)',
      'import os.path, re as regex',
      '# a comment',
      'LIMIT: int = 3; OTHER = 4',
      'a, (b, c) = 1, (2, 3)',
      '@decorate(',
      '1)',
      'async def f(x: "def g():" = {',
      '1: 2}) -> D[str, int]:  # colon: here',
      '    return [',
      'x]',
      'if LIMIT:',
      '    y = 1',
      'else:',
      '    y = 2',
      'class C(Base):',
      '    def f(self): pass',
      'def one(): return 1',
    ].join('\r\n'),
  );
  const statements = topLevelStatements(source);

  it('finds kinds and names', () => {
    expect(statements.map(({ kind, names }) => [kind, names])).toEqual([
      ['other', []],
      ['import', ['List', 'D']],
      ['import', ['os', 'regex']],
      ['other', ['LIMIT', 'OTHER']],
      ['other', expect.arrayContaining(['a', 'b', 'c'])],
      ['function', ['f']],
      ['other', ['y', 'y']],
      ['class', ['C']],
      ['function', ['one']],
    ]);
  });

  it('loses nothing but what stands before the first', () => {
    expect(statements.map((statement) => statement.text).join('')).toBe(source);
  });

  it('splits functions at the colon that ends the header', () => {
    const parts = splitFunction(statements[5]!, '    ');
    expect(parts.header).toBe('@decorate(\n1)\nasync def f(x: "def g():" = {\n1: 2}) -> D[str, int]:');
    expect(parts.body).toBe('    return [\nx]\n');
    expect(splitFunction(statements[8]!, '    ')).toEqual({ header: 'def one():', body: '    return 1\n' });
  });
});

describe('splitFunction', () => {
  const cases = [
    'def f(x):\n\tif x:\n\t\treturn 1\n\telse:\n\t  return 2\n',
    'def f(x):\n # first\n if x:\n        return """a\n  b"""\n # last\n return 0\n',
    'def f(x):\n  y = (x +\n1)\n  if y: return y; z = 1\n\n\n  return {\n"a": 1}\n',
    'def f(x):\n  y = "a\\\nb"\n  return x + \\\n1\n',
    'def f(x):\n\ttry:\n\t    return 1\n\tfinally:\n\t\tpass\n',
  ];

  it.each(cases)('indents anew without changing the meaning: %j', (source) => {
    const { header, body } = splitFunction(topLevelStatements(source)[0]!, '    ');
    const dumps = askPython('import ast, json, sys\nprint(json.dumps([ast.dump(ast.parse(s)) for s in json.load(sys.stdin)]))', [
      source,
      `${header}\n${body}`,
    ]) as string[];
    expect(dumps[1]).toBe(dumps[0]);
    expect(body).not.toContain('\t');
    expect(body.split('\n')[0]).toMatch(/^ {4}\S/);
  });
});

describe('names', () => {
  it('are those outside strings and comments', () => {
    expect([...namesIn('f(x, "y", z.w) # v')]).toEqual(['f', 'x', 'z', 'w']);
  });

  it('called are functions, not methods', () => {
    expect(calledNames('assert f(g (1), x.h(2), "i(3)") == set(y)')).toEqual(['f', 'g', 'set']);
  });

  it('may be Unicode', () => {
    expect(['f', '_x1', 'größe', '日本'].every(isIdentifier)).toBe(true);
    expect(['', '1x', 'a-b', 'a b', 'a.b', 'f()', 'a\n'].some(isIdentifier)).toBe(false);
  });
});

it('agrees with CPython about the top level of its own library', () => {
  const modules = askPython(
    `
import ast, json, random, sys, importlib.util
out = []
for name in ["textwrap", "heapq", "string", "typing", "dataclasses", "argparse", "json.decoder", "inspect", "enum", "re._parser"]:
    try: spec = importlib.util.find_spec(name)
    except ImportError: continue
    if spec is None: continue
    source = open(spec.origin, encoding="utf-8").read()
    names = [n.name if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else None for n in ast.parse(source).body]
    out.append({"source": source, "names": names})
print(json.dumps(out))`,
    null,
  ) as { source: string; names: (string | null)[] }[];
  expect(modules.length).toBeGreaterThan(6);
  for (const { source, names } of modules) {
    const found = topLevelStatements(normalizeNewlines(source)).map(({ kind, names: bound }) =>
      kind === 'function' || kind === 'class' ? bound[0]! : null,
    );
    expect(found.filter((name) => name !== null)).toEqual(names.filter((name) => name !== null));
  }
});
