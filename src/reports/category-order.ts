/**
 * The order of category codes: by number, part by part, so that 4.10 comes after 4.2. A category of the config's own
 * (`4.5:list_index`) comes behind the leaf it was made from. No code comes last.
 */
export function compareCodes(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i] ?? '', right[i] ?? ''];
    const difference = Number(x) - Number(y);
    // Codes of an older taxonomy need not be numbers; then plain text order decides.
    if (Number.isNaN(difference) ? x !== y : difference !== 0) return Number.isNaN(difference) ? (x < y ? -1 : 1) : difference;
  }
  return nameIn(a) < nameIn(b) ? -1 : Number(nameIn(a) > nameIn(b));
}

function partsOf(code: string): string[] {
  return code.split(':')[0]!.split('.');
}

/** What a category of the config's own adds to its leaf's code. */
function nameIn(code: string): string {
  return code.split(':')[1] ?? '';
}
