/** Every tag is hit, and its near misses are not. */
import { describe, expect, it, test } from 'vitest';
import type { AssertionTrial } from '../../../src/sandbox/verdict.js';
import type { Evidence } from '../../../src/taxonomy/types.js';
import { TAGS, tagsOf } from '../../../src/taxonomy/tags.js';
import { isImportable } from '../../../src/taxonomy/well-known-names.js';
import { evidence, failed, fails, holds, IN_LIBRARY, IN_PROMPT, IN_SAMPLE, raised, sourceFacts, tried } from './evidence.js';

const facts = (fields: Parameters<typeof sourceFacts>[0]): Evidence =>
  evidence(failed(), { measurements: { source: sourceFacts(fields) } });
const passing = (fields: object): Evidence =>
  evidence(
    { status: 'passed' },
    { measurements: { fragility: { hashSeeds: { tried: 3, failed: 0 }, furtherTest: null, slowdown: null, ...fields } } },
  );
const wrong = (...trials: readonly AssertionTrial[]): Evidence => evidence(failed(), { measurements: { assertions: tried(...trials) } });
const refused = (typeName: string, reason = 'has no plain form'): Evidence => evidence({ status: 'unserialisable', typeName, reason });
const OWN_CLASS = "is of a class of the program's own";
const PROMPT_LINE = '    total_of_everything = sum(numbers)\n';

const HITS: readonly (readonly [tag: string, given: Evidence])[] = [
  ['calls_input', facts({ callsInput: true })],
  ['changes_arguments', evidence({ status: 'passed' }, { measurements: { changedCalls: 1, calls: 2 } })],
  ['changes_arguments', evidence(raised('call', 'KeyError', '1'), { measurements: { changedCalls: 2, calls: 3 } })],
  ['dead_code', facts({ deadStatements: 1 })],
  ['fragile:further_test', passing({ furtherTest: false })],
  ['fragile:hash_seed', passing({ hashSeeds: { tried: 3, failed: 2 } })],
  ['hallucinated_identifier', facts({ undefinedNames: ['List', 'sum_of_all'] })],
  ['hallucinated_identifier', evidence(raised('call', 'NameError', "name 'total' is not defined"))],
  ['hallucinated_member', evidence(raised('call', 'AttributeError', "module 'math' has no attribute 'add'"))],
  ['hallucinated_member', evidence(raised('load', 'ModuleNotFoundError', "No module named 'maths'"))],
  ['hallucinated_member', evidence(raised('load', 'ImportError', "cannot import name 'List' from 'math'"))],
  ['holds_trivially', wrong(holds({ traits: ['empty'] }), fails([]), holds({ traits: ['negative', 'zero'] }))],
  ['length:long', evidence(failed(), { completion: '    a = b\n\n'.repeat(16) })],
  ['length:medium', evidence(failed(), { completion: '    a = b\n'.repeat(4) })],
  ['length:medium', evidence(failed(), { completion: '    a = b\n'.repeat(15) })],
  ['length:short', evidence(failed(), { completion: '    a = b\n\n  \n'.repeat(3) })],
  ['length:short', evidence(failed(), { completion: '' })],
  ['missing_import', facts({ undefinedNames: ['List'] })],
  ['missing_import', evidence(raised('call', 'NameError', "name 'math' is not defined. Did you forget to import 'math'?"))],
  ['near_limit', evidence(failed(), { measurements: { nearLimit: true } })],
  ['none_operand', evidence(raised('call', 'TypeError', "'NoneType' object is not subscriptable"))],
  ['none_operand', evidence(raised('call', 'AttributeError', "'NoneType' object has no attribute 'append'"))],
  ['one_edit:import', facts({ oneEdit: { kind: 'import', passes: true } })],
  ['one_edit:indentation', facts({ oneEdit: { kind: 'indentation', passes: true } })],
  ['one_edit:return', facts({ oneEdit: { kind: 'return', passes: true } })],
  ['prompt_frame', evidence(raised('call', 'ValueError', '', { frames: [IN_SAMPLE, IN_PROMPT, IN_LIBRARY] }))],
  ['redefines_helper', facts({ redefined: ['poly'] })],
  ['repeats_prompt', evidence(failed(), { prompt: PROMPT_LINE, completion: '        total_of_everything  =  sum(numbers)\n' })],
  ['returns:cycle', refused('list', 'contains itself')],
  ['returns:iterator', refused('generator')],
  ['returns:iterator', refused('dict_keys')],
  ['returns:iterator', refused('list_reverseiterator')],
  ['returns:object', refused('Point')],
  ['returns:object', refused('MapOfThings')],
  ['returns:object', refused('Point', OWN_CLASS)],
  ['returns:object', refused('map', OWN_CLASS)],
  ['returns:too_much', refused('range', 'is larger than 16777216 bytes')],
  ['returns:too_much', refused('list', 'is nested deeper than 200 levels')],
  ['truncated_generation', evidence(failed(), { finishReason: 'length' })],
  ['truncated_generation', evidence(failed(), { finishReason: 'context' })],
  ['undefined_helper', facts({ undefinedCalls: ['sum_of_all'], undefinedNames: ['sum_of_all'] })],
];

describe('a tag', () => {
  test.each(HITS)('%s', (tag, given) => {
    expect(tagsOf(given)).toContain(tag);
  });

  it('has a fixture here, a name of its own in order, and a line of explanation', () => {
    const names = TAGS.map(({ name }) => name);
    expect(new Set(HITS.map(([tag]) => tag))).toEqual(new Set(names));
    expect(names).toEqual([...new Set(names)].sort());
    for (const { doc } of TAGS) expect(doc).toMatch(/^[^\n]{20,}$/);
  });

  it('is there once, whatever else holds', () => {
    const { prompt, completion } = { prompt: PROMPT_LINE, completion: PROMPT_LINE };
    const given = evidence(raised('call', 'NameError', "name 'foo' is not defined"), {
      prompt,
      completion,
      measurements: { source: sourceFacts({ undefinedNames: ['foo', 'bar'], undefinedCalls: ['foo'] }) },
    });
    expect(tagsOf(given)).toEqual(['hallucinated_identifier', 'length:short', 'repeats_prompt', 'undefined_helper']);
  });

  test.each([
    [
      'a local read before it is bound',
      evidence(raised('call', 'UnboundLocalError', "name 'x' is not defined")),
      'hallucinated_identifier',
    ],
    ['an edit with which it fails, too', facts({ oneEdit: { kind: 'import', passes: false } }), 'one_edit:import'],
    ['a call of what an import would bind', facts({ undefinedCalls: ['sqrt'] }), 'undefined_helper'],
    ['an attribute of a list', evidence(raised('call', 'AttributeError', "'list' object has no attribute 'add'")), 'hallucinated_member'],
    ["a failure in the prompt's own body", evidence(raised('call', 'ValueError', '', { frames: [IN_PROMPT] })), 'prompt_frame'],
    [
      'a failure of the sample after a call of the prompt',
      evidence(raised('call', 'ValueError', '', { frames: [IN_PROMPT, IN_SAMPLE] })),
      'prompt_frame',
    ],
    [
      'a program that leaves its arguments alone',
      evidence({ status: 'passed' }, { measurements: { changedCalls: 0 } }),
      'changes_arguments',
    ],
    ['a verdict of before changes were counted', evidence({ status: 'passed' }), 'changes_arguments'],
    ['a wrong answer that passes nothing', wrong(fails([], { traits: ['empty'] })), 'holds_trivially'],
    ['one that passes something else', wrong(holds({ traits: ['empty'] }), holds(), fails([])), 'holds_trivially'],
    ['a short line of the prompt', evidence(failed(), { prompt: '    return a\n', completion: '    return a\n' }), 'repeats_prompt'],
    ['a sample that ended by itself', evidence(failed(), { finishReason: 'eos' }), 'truncated_generation'],
    ['a sample of which nothing is known', evidence(failed(), { finishReason: '' }), 'truncated_generation'],
    ["an object of a program's class that is called like an iterator", refused('map', OWN_CLASS), 'returns:iterator'],
    ['a list that is too large', refused('list', 'is larger than 16777216 bytes'), 'returns:object'],
    ['None in a message of another kind', evidence(raised('call', 'ValueError', 'NoneType')), 'none_operand'],
  ])('is not for %s', (_, given, tag) => {
    expect(tagsOf(given)).not.toContain(tag);
  });
});

describe('well-known names', () => {
  it('are what an import would bind, and no builtins', () => {
    for (const name of ['math', 'np', 'List', 'Counter', 'sqrt', 'reduce']) expect(isImportable(name), name).toBe(true);
    for (const name of ['', 'sum', 'len', 'helper', 'lst']) expect(isImportable(name), name).toBe(false);
  });
});
