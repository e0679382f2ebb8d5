/**
 * The page's one script: a click on a column's header sorts the table, and the sample browser. The page is complete without the first, and
 * says where the samples are without the second. Its hash stands in the page's content security policy, so that no other script can
 * run, wherever it came from.
 */
import { BROWSER_SCRIPT } from './browser-script.js';

export const SCRIPT = `
for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    header.querySelector('button.sort')?.addEventListener('click', () => {
      const down = header.getAttribute('aria-sort') === 'descending' ? false : header.getAttribute('aria-sort') === 'ascending' ? true : header.classList.contains('numeric');
      const value = (row) => row.cells[column].dataset.value;
      const compare = (a, b) => header.classList.contains('numeric') ? Number(a) - Number(b) : a.localeCompare(b, 'en', { numeric: true });
      const rows = [...body.rows].sort((a, b) => (down ? -1 : 1) * compare(value(a), value(b)));
      for (const other of headers) other.removeAttribute('aria-sort');
      header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      body.append(...rows);
    });
  });
}
${BROWSER_SCRIPT}`;
