/** The order of category codes: by number, part by part, so that 4.10 comes after 4.2. No code comes last. */
export function compareCodes(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const [left, right] = [a.split('.'), b.split('.')];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i] ?? '', right[i] ?? ''];
    const difference = Number(x) - Number(y);
    // Custom codes need not be numbers; then plain text order decides.
    if (Number.isNaN(difference) ? x !== y : difference !== 0) return Number.isNaN(difference) ? (x < y ? -1 : 1) : difference;
  }
  return 0;
}
