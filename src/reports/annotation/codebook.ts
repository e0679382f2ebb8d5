/** The codebook of a draw: how to label, and what each leaf means, as Markdown for somebody who has never seen this project. From the tables of the taxonomy. */
import { GENERATION_RULES, RULES } from '../../taxonomy/rules/index.js';
import type { Category, OutcomeName } from '../../taxonomy/types.js';
import { OUTCOMES } from '../outcomes.js';

/** What the leaves of an outcome have in common. */
function meaning(outcome: OutcomeName): string {
  if (outcome === 'infra') return 'no fault of the program; no row of a sheet should be this';
  if (outcome === 'pass') return 'passes, so that no row of a sheet should be this';
  return OUTCOMES[outcome].meaning;
}

/**
 * What the definitions leave open to somebody who has only the sheet; one row, one question that people have answered in two ways. They
 * say in words what the rules do, and change with them.
 */
const READINGS: readonly (readonly [leaves: readonly string[], reading: string])[] = [
  [
    ['2.1', '2.3', '2.4', '2.6'],
    'Of several mistakes the one that counts is the one that `failure` and `failing_line` report, whatever stands further on. Only a string that is left open, a character that is no token and a closing bracket that closes nothing, or another kind, come before it, wherever they stand.',
  ],
  [['2.4'], 'A closing bracket too many is here; an opening one without its end, and one closed by another kind, are `syntax.unclosed`.'],
  [
    ['1.1'],
    'The end of the text must be what does not parse. Where the mistake stands further up, a longer text would have it as well: that is a leaf of `syntax`.',
  ],
  [
    ['1.3'],
    'Four times in a row: a line of at least 4 characters, a block of up to 8 lines, or a piece of 8 to 400 characters anywhere in a line. A shorter piece does not count, however often it stands there (`-1, -1, -1`), nested calls do.',
  ],
  [
    ['8.1', '8.7'],
    'A call that raises answers nothing: the others decide, in the test and in the examples. `wrong.constant` needs two of them with different arguments, and a test that expects two different values.',
  ],
  [
    ['8.3', '8.4', '8.5', '8.6'],
    'It must be so in every failing assertion in which something was returned and a value was expected. None in some and a wrong number in others is `wrong.partial` or `wrong.all`. A truth value is no number, and None has a type of its own.',
  ],
  [
    ['8.9'],
    'One and the same trait in the arguments of every failing assertion, and in those of no passing one: empty; the number 0; the number 1, or one element; a negative number, or a list that holds one; two equal elements. At least as many assertions hold as fail. Only the test is asked, not the examples.',
  ],
];

export function codebook(leaves: readonly Category[]): string {
  const outcomes = [...new Set(leaves.map(({ outcome }) => outcome))];
  const name = (code: string): string => {
    const leaf = leaves.find((each) => each.code === code);
    return leaf === undefined ? code : `\`${leaf.name}\``;
  };
  return `# Codebook

Each row of the sheet is a program that failed its test. Choose the one leaf below that says best **why it failed**, and write its name
(such as \`${leaves.find(({ code }) => code === '4.1')?.name ?? leaves[0]!.name}\`) into the column \`label\`. Names, not codes: a spreadsheet makes 4.1 of 4.10. Doubts go into
\`note\`. Leave the label empty where you cannot decide; the row then counts as not labelled.

Label alone, and look at nobody else's labels or at the key before both of you are done. Change no other column.

## What a row holds

\`prompt\` and \`completion\` together are the program; the model wrote the completion. \`status\`, \`phase\`, \`failure\` and \`failing_line\` (counted
in the program) are what the sandbox saw. Of a failing assertion, \`returned\` is what the call returned and \`expected\` what the test wanted; \`test\`
is the whole test, and \`assertions_failed\` has the numbers of those assertions that fail when each is tried alone, counted from 1.
\`examples\` are those that the prompt shows. \`generation_ended_by\` is \`length\` where the model met the limit of tokens. A cell that begins with an
apostrophe before a sign such as = or - is that text without the apostrophe.

## Which leaf, where several fit

By how it failed, asked in this order: ${Object.keys(RULES)
    .filter((stage) => stage !== 'pass')
    .map((stage) => `\`${stage}\``)
    .join(', ')}. Within one of them the first that fits:

${Object.entries(RULES)
  .filter(([stage, rows]) => stage !== 'pass' && rows.length > 1)
  .map(([stage, rows]) => `- \`${stage}\`: ${[...new Set(rows.map(({ code }) => code))].map(name).join(', ')}`)
  .join('\n')}

Leaves of generation take the place of others only as follows, asked in this order:

${GENERATION_RULES.map(({ code, over }) => `- ${name(code)}: in place of ${over.map((stage) => (stage === 'generation' ? 'nothing (there was nothing to run or to call)' : `\`${stage}\``)).join(', ')}`).join('\n')}

A leaf marked * is for what fits none of its neighbours.

## How the definitions are meant

${READINGS.map(([codes, reading]) => `- ${codes.map(name).join(', ')}: ${reading}`).join('\n')}

## The leaves
${outcomes
  .map((outcome) => {
    const rows = leaves.filter((leaf) => leaf.outcome === outcome);
    return `
### \`${outcome}\`: ${meaning(outcome)}

| name | code | means |
| --- | --- | --- |
${rows.map((leaf) => `| \`${leaf.name}\`${leaf.residual ? ' *' : ''} | ${leaf.code} | ${leaf.rule.replaceAll('|', '\\|')} |`).join('\n')}
`;
  })
  .join('')}`;
}
