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
