/**
 * The sample browser: its controls, and the samples as data for `browser-script.ts`. A bounded part of the samples where there are many;
 * the page says how many of how many, and how they were chosen. Everything of a sample is hostile text.
 */
import { OUTCOMES, OUTCOME_ORDER } from '../../../outcomes.js';
import type { BrowsedGroup, BrowsedSample, ReportData } from '../../../report-data.js';
import { compareCodes } from '../../../category-order.js';
import { decimal, plural, whole } from '../../format.js';
import { programLines } from '../../program-lines.js';
import { shorten, visible, visibleLine } from '../../visible.js';
import { markup, trusted, type Markup } from '../markup.js';
import { MOST_CHARACTERS, windowOf } from '../program.js';

/** Of the embedded data: what a page may weigh. */
const MOST_BYTES = 4 * 2 ** 20;
/** Of a fact, such as a returned value. */
const MOST_FACT = 400;

export function samplesSection({ browsed }: ReportData, mostBytes = MOST_BYTES): Markup {
  if (browsed.samples.length === 0) {
    return markup`<section id="samples">
      <h2>Samples</h2>
      <p>No sample has been judged yet.</p>
    </section>`;
  }
  const { json, samples, level } = embed(browsed.groups, browsed.samples, mostBytes);
  const perGroup = level ?? browsed.perGroup;
  const problems = [...new Set(browsed.samples.map(({ taskId }) => taskId))];
  const statuses = [...new Set(samples.map(({ status }) => status))].sort();
  return markup`<section id="samples">
    <h2>Samples</h2>
    <p id="sample-extent">
      ${
        perGroup === null
          ? markup`All ${plural(browsed.counted, 'sample')} that count are here.`
          : markup`Here are ${whole(samples.length)} of the ${plural(browsed.counted, 'sample')} that count: of each category, and of the passes, at most
            ${whole(perGroup)}, those whose SHA-256 of problem and index is smallest, so that nobody picked them. Shares among them are not the
            experiment’s.`
      }
      ${perGroup === null ? null : 'samples.jsonl, beside this page, has all.'} Long programs are cut to the surroundings of the failing line.
    </p>
    <noscript><p class="warning">Browsing them needs the page’s script. samples.csv and samples.jsonl, beside this page, hold the same.</p></noscript>
    <div class="browser" hidden>
      <div class="filters" role="search" aria-label="Samples">
        <label>Category <select id="filter-category"><option value="">all</option>${categoryOptions(browsed.groups, samples)}</select></label>
        <label
          >Problem <select id="filter-problem"><option value="">all</option>${problems.map((task, i) => markup`<option value="${i}">${shorten(task, 60)}</option>`)}</select></label
        >
        <label
          >Status <select id="filter-status"><option value="">all</option>${statuses.map((status) => markup`<option value="${status}">${status.replaceAll('_', ' ')}</option>`)}</select></label
        >
        <label>Text <input id="filter-text" type="search" placeholder="source, message, problem" spellcheck="false" autocomplete="off" /></label>
        <button type="button" id="filter-clear">Clear</button>
      </div>
      <p class="facts" id="sample-count" role="status"></p>
      <ol id="sample-list"></ol>
      <div class="pager">
        <button type="button" id="sample-previous">Previous</button> <span id="sample-page"></span>
        <button type="button" id="sample-next">Next</button>
      </div>
    </div>
    <script type="application/json" id="sample-data">${trusted(json)}</script>
  </section>`;
}

/** A link to the browser with a category chosen; the text alone where none of its samples are there. */
export function browseLink({ browsed }: ReportData, code: string | null, text: string): Markup {
  const group = browsed.groups.findIndex((each) => each.code === code && each.outcome !== 'pass');
  return group < 0 ? markup`${text}` : markup`<a href="#samples" data-group="${group}">${text}</a>`;
}

function categoryOptions(groups: readonly BrowsedGroup[], samples: readonly BrowsedSample[]): Markup[] {
  const here = new Map<string, number>();
  for (const sample of samples) here.set(groupKey(sample), (here.get(groupKey(sample)) ?? 0) + 1);
  return OUTCOME_ORDER.flatMap((outcome) => {
    const members = groups
      .map((group, index) => ({ ...group, index, embedded: here.get(JSON.stringify([group.outcome, group.code])) ?? 0 }))
      .filter((group) => group.outcome === outcome)
      .sort((a, b) => compareCodes(a.code, b.code));
    if (members.length === 0) return [];
    const { label } = OUTCOMES[outcome];
    return markup`<optgroup label="${label}">
      ${members.length > 1 && markup`<option value="outcome ${outcome}">any ${label}</option>`}${members.map(
        (group) =>
          markup`<option value="group ${group.index}">${shorten(titleOf(group), 60)} (${
            group.embedded === group.counted ? whole(group.counted) : `${whole(group.embedded)} of ${whole(group.counted)}`
          })</option>`,
      )}
    </optgroup>`;
  });
}

function groupKey({ outcome, categoryCode }: BrowsedSample): string {
  return JSON.stringify([outcome, categoryCode]);
}

function titleOf({ code, name, outcome }: BrowsedGroup): string {
  return code === null && name === null ? (outcome === 'pass' ? 'pass' : 'without a category') : `${code ?? ''} ${name ?? ''}`.trim();
}

/** The data, as many samples of each group as fit in `mostBytes`; `level` says how many where that is not all. */
function embed(
  groups: readonly BrowsedGroup[],
  samples: readonly BrowsedSample[],
  mostBytes: number,
): { readonly json: string; readonly samples: readonly BrowsedSample[]; readonly level: number | null } {
  const most = 1 + samples.reduce((highest, { rank }) => Math.max(highest, rank), 0);
  let level = most;
  for (;;) {
    const shown = samples.filter(({ rank }) => rank < level);
    const json = jsonOf(groups, shown, samples);
    if (Buffer.byteLength(json) <= mostBytes || level <= 1) return { json, samples: shown, level: level === most ? null : level };
    // Bytes grow with the level at most in proportion, so this ends near the largest level that fits.
    level = Math.max(1, Math.min(level - 1, Math.floor((level * mostBytes) / Buffer.byteLength(json))));
  }
}

function jsonOf(groups: readonly BrowsedGroup[], shown: readonly BrowsedSample[], all: readonly BrowsedSample[]): string {
  const problems = indexOf(all.map(({ taskId }) => taskId));
  const groupIndex = indexOf(groups.map(({ outcome, code }) => JSON.stringify([outcome, code])));
  const prompts = new Map<string, number>();
  const value = {
    groups: groups.map((group) => ({ outcome: group.outcome, title: visibleLine(titleOf(group)) })),
    problems: [...problems.keys()].map(visibleLine),
    samples: shown.map((sample) => {
      const { prompt, text, ...listing } = listingOf(sample);
      const index = prompts.get(prompt) ?? prompts.size;
      prompts.set(prompt, index);
      return {
        problem: problems.get(sample.taskId)!,
        index: sample.sampleIndex,
        group: groupIndex.get(groupKey(sample))!,
        status: sample.status,
        headline: shorten(visibleLine(sample.failure.headline), MOST_FACT),
        evidence: shorten(visibleLine(sample.evidence), MOST_FACT),
        prompt: index,
        text,
        ...listing,
        facts: factsOf(sample).map(([name, fact]) => [name, shorten(visibleLine(fact), MOST_FACT)]),
      };
    }),
    prompts: [] as string[],
  };
  value.prompts = [...prompts.keys()];
  // Within a script element, only `<` can end it or begin a comment there.
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function indexOf(values: readonly string[]): Map<string, number> {
  const index = new Map<string, number>();
  for (const value of values) if (!index.has(value)) index.set(value, index.size);
  return index;
}

interface Listing {
  /** The shown lines up to the end of the prompt, and the rest of them. */
  readonly prompt: string;
  readonly text: string;
  /** Number of the first line shown, and how many follow the last. */
  readonly first: number;
  readonly below: number;
  /** Number of the failing line; absent where none is. */
  readonly line?: number;
  /** What stands before the caret under it. */
  readonly caret?: string;
}

/** A program's lines as `../program.ts` shows them, as data. */
function listingOf({ prompt, completion, failure }: BrowsedSample): Listing {
  const { lines, failing } = programLines(prompt, completion, failure.line);
  const [from, to] = windowOf(lines.length, failing);
  let text = '';
  let boundary = 0;
  for (const [i, line] of lines.slice(from, to).entries()) {
    if (i > 0) text += '\n';
    const own = visible(shorten(line.prompt, MOST_CHARACTERS));
    if (own !== '') boundary = text.length + own.length;
    text += own + visible(shorten(line.completion, MOST_CHARACTERS));
  }
  const failingText = failing === null ? '' : lines[failing - 1]!.prompt + lines[failing - 1]!.completion;
  const column = failing === null ? null : failure.column;
  const points = column !== null && column <= Math.min(failingText.length + 1, MOST_CHARACTERS);
  return {
    prompt: text.slice(0, boundary),
    text: text.slice(boundary),
    first: from + 1,
    below: lines.length - to,
    ...(failing === null ? {} : { line: failing }),
    ...(points ? { caret: failingText.slice(0, column - 1).replace(/[^\t]/g, ' ') } : {}),
  };
}

function factsOf(sample: BrowsedSample): [string, string][] {
  const { failure, categoryCode, categoryName } = sample;
  const valued = (text: string | null, type: string | null): string => `${text ?? 'not known'}${type === null ? '' : ` (${type})`}`;
  const facts: [string, string | null][] = [
    ['verdict', sample.status === 'passed' ? 'passed' : `${sample.status.replaceAll('_', ' ')}: ${failure.headline}`],
    ['category', categoryCode === null ? null : `${categoryCode} ${categoryName ?? ''}`],
    ['evidence', categoryCode === null ? null : sample.rule === null ? sample.evidence : `${sample.rule}: ${sample.evidence}`],
    ['assertion', failure.assertion?.source ?? null],
    ['returned', failure.assertion && valued(failure.assertion.returned, failure.assertion.returnedType)],
    ['expected', failure.assertion && valued(failure.assertion.expected, failure.assertion.expectedType)],
    ['tags', sample.tags.length === 0 ? null : sample.tags.join(' ')],
    [
      'generated',
      `${plural(sample.tokenCount, 'token')}, ended by ${sample.finishReason}${sample.meanLogprob === null ? '' : `, mean log-probability ${decimal(sample.meanLogprob, 3)}`}`,
    ],
    ['limits', sample.nearLimit ? 'met a time limit, and finished at three times the limits' : null],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
}
