/**
 * Untrusted text made harmless to look at: characters that a screen would obey instead of showing (controls, escapes,
 * direction overrides, halves of surrogate pairs) become visible signs. Does not escape markup: that is `html/markup.ts`.
 */

// Everything in Cc but tab and newline; Cf that reorders or hides text (bidi controls, zero-width, BOM); lone surrogates; separators.
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu;

/** The text with every such character shown: C0 controls as their Unicode pictures, the rest as `⟨U+202E⟩`. Tabs and newlines stay. */
export function visible(text: string): string {
  return text.replace(OBEYED, (character) => {
    const code = character.codePointAt(0)!;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return '\u2421';
    return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
  });
}

/** The same on one line: newlines and tabs are shown too. For messages, names and terminal output. */
export function visibleLine(text: string): string {
  return visible(text).replace(/\n/g, '\u23ce').replace(/\t/g, ' ');
}

/** The text, cut to at most `most` UTF-16 units with an ellipsis; never between the halves of a pair. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = most - 1;
  const pair = /[\ud800-\udbff]/.test(text.charAt(end - 1));
  return `${text.slice(0, pair ? end - 1 : end)}…`;
}
