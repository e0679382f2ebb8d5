/**
 * The sample browser's part of the page's script: filters, pages of results, and a sample's listing when it is opened. What it shows is
 * hostile text, so it makes elements and sets their `textContent`, and never writes markup. What the data holds is `sections/samples.ts`'s;
 * characters that a screen would obey have been made visible there.
 */

/** Results on one page. */
const PAGE = 25;

export const BROWSER_SCRIPT = `
{
  const section = document.getElementById('samples');
  const holder = document.getElementById('sample-data');
  if (holder !== null) {
    const data = JSON.parse(holder.textContent);
    const find = (name) => document.getElementById(name);
    const [category, problem, status, text] = ['filter-category', 'filter-problem', 'filter-status', 'filter-text'].map(find);
    const [list, count, previous, next, where] = ['sample-list', 'sample-count', 'sample-previous', 'sample-next', 'sample-page'].map(find);
    let found = [];
    let first = 0;
    const make = (name, className, content) => {
      const element = document.createElement(name);
      if (className) element.className = className;
      if (content !== undefined) element.textContent = content;
      return element;
    };
    const programOf = (sample) => data.prompts[sample.prompt] + sample.text;
    const searched = (sample) => (sample.searched ??= [programOf(sample), sample.headline, sample.evidence, data.problems[sample.problem]].join('\\n').toLowerCase());
    const listing = (sample) => {
      const boundary = data.prompts[sample.prompt].length;
      const code = make('code');
      const omitted = (lines, place) => {
        if (lines > 0) code.append(make('span', 'omitted', '… ' + lines + ' more ' + (lines === 1 ? 'line ' : 'lines ') + place + '\\n'));
      };
      omitted(sample.first - 1, 'above');
      let start = 0;
      programOf(sample).split('\\n').forEach((line, i) => {
        const number = sample.first + i;
        const failing = number === sample.line;
        const row = make(failing ? 'mark' : 'span', failing ? 'line failing' : 'line');
        row.dataset.line = number;
        const own = Math.min(Math.max(boundary - start, 0), line.length);
        if (own > 0) row.append(make('span', 'prompt', line.slice(0, own)));
        row.append(line.slice(own) + '\\n');
        start += line.length + 1;
        code.append(row);
        if (failing) {
          const note = make('span', 'note');
          if (sample.caret !== undefined) {
            const caret = make('span', 'caret', sample.caret + '^\\n');
            caret.setAttribute('aria-hidden', 'true');
            note.append(caret);
          }
          note.append(sample.headline);
          code.append(note);
        }
      });
      omitted(sample.below, 'below');
      const program = make('pre', 'program');
      program.tabIndex = 0;
      program.append(code);
      return program;
    };
    const facts = (sample) => {
      const entries = make('dl', 'facts-list');
      for (const [name, value] of sample.facts) entries.append(make('dt', '', name), make('dd', '', value));
      return entries;
    };
    const item = (sample) => {
      const group = data.groups[sample.group];
      const row = make('li');
      const details = make('details', 'browsed');
      const summary = make('summary');
      const swatch = make('span', 'swatch');
      swatch.style.background = 'var(--outcome-' + group.outcome + ')';
      swatch.setAttribute('aria-hidden', 'true');
      const what = make('span', 'what');
      what.append(make('b', '', group.title), ' ' + (sample.headline === 'passed' ? '' : sample.headline));
      summary.append(swatch, make('span', 'which', data.problems[sample.problem] + ', sample ' + sample.index), what);
      details.append(summary);
      details.addEventListener('toggle', () => {
        if (details.open && details.children.length === 1) details.append(listing(sample), facts(sample));
      });
      row.append(details);
      return row;
    };
    const show = () => {
      const last = Math.min(first + ${PAGE}, found.length);
      list.replaceChildren(...found.slice(first, last).map(item));
      list.start = first + 1;
      count.textContent = found.length.toLocaleString('en-US') + ' of ' + data.samples.length.toLocaleString('en-US') + ' samples';
      where.textContent = found.length === 0 ? '' : (first + 1).toLocaleString('en-US') + ' to ' + last.toLocaleString('en-US');
      previous.disabled = first === 0;
      next.disabled = last === found.length;
    };
    const filter = () => {
      const words = text.value.toLowerCase();
      const [kind, chosen] = category.value.split(/ (.*)/s);
      found = data.samples.filter(
        (sample) =>
          (kind === '' || (kind === 'outcome' ? data.groups[sample.group].outcome === chosen : sample.group === Number(chosen))) &&
          (problem.value === '' || sample.problem === Number(problem.value)) &&
          (status.value === '' || sample.status === status.value) &&
          (words === '' || searched(sample).includes(words)),
      );
      first = 0;
      show();
    };
    const turn = (step) => {
      first += step * ${PAGE};
      show();
      count.scrollIntoView({ block: 'nearest' });
    };
    const clear = () => {
      for (const control of [category, problem, status, text]) control.value = '';
    };
    for (const control of [category, problem, status]) control.addEventListener('change', filter);
    text.addEventListener('input', filter);
    find('filter-clear').addEventListener('click', () => {
      clear();
      filter();
      text.focus();
    });
    previous.addEventListener('click', () => turn(-1));
    next.addEventListener('click', () => turn(1));
    for (const link of document.querySelectorAll('a[data-group]')) {
      link.addEventListener('click', () => {
        clear();
        category.value = 'group ' + link.dataset.group;
        filter();
      });
    }
    // A browser that comes back to the page may have kept what was chosen.
    filter();
    section.querySelector('.browser').hidden = false;
  }
}
`;
