/**
 * Where in a line of JSON something stands: the first character that cannot be JSON, or the value of a key. Not a
 * parser: `JSON.parse` is, but it says nothing of places. Runs only when there is an error to report, a value to replace or a file to tell from another kind.
 */

/** Offsets count UTF-16 units from 0. */
export interface JsonFault {
  readonly offset: number;
  readonly reason: string;
}

/** The first fault of a text that should be one JSON value; null when it is one. */
export function findJsonFault(text: string): JsonFault | null {
  return scan(text).fault;
}

/**
 * Where the value of a key of the outermost object begins; null if the key is not there. The last one wins, as in `JSON.parse`. What follows the first
 * fault, or the object's end, is not looked at.
 */
export function offsetOfValue(text: string, key: string): number | null {
  return offsetsOfValues(text).get(key) ?? null;
}

/** The same of every key that there is. */
export function offsetsOfValues(text: string): ReadonlyMap<string, number> {
  return scan(text).values;
}

/** Where the value of each key of the outermost object stands, `end` excluded; of equal keys the last, as in `JSON.parse`. */
export function spansOfValues(text: string): ReadonlyMap<string, { readonly start: number; readonly end: number }> {
  const { values, ends } = scan(text);
  return new Map([...ends].map(([key, end]) => [key, { start: values.get(key)!, end }]));
}

class Stop extends Error {
  constructor(
    readonly offset: number,
    readonly reason: string,
  ) {
    super(reason);
  }
}

function scan(text: string): { fault: JsonFault | null; values: Map<string, number>; ends: Map<string, number> } {
  const values = new Map<string, number>();
  const ends = new Map<string, number>();
  /** The key of the outermost object whose value is being read. */
  let current = null as string | null; // set inside closures, which the compiler's narrowing does not see
  let at = 0;

  const stop = (reason: string, offset = at): never => {
    throw new Stop(offset, offset >= text.length ? `${reason}, but the line ends` : `${reason}, but found ${JSON.stringify(text[offset])}`);
  };
  const skipSpace = () => {
    while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  };
  const string = (): string => {
    const start = at++;
    for (;;) {
      const character = text[at];
      if (character === undefined) throw new Stop(start, 'a string that begins here has no closing quote');
      if (character < ' ') throw new Stop(at, 'a control character inside a string must be escaped');
      at++;
      if (character === '"') return JSON.parse(text.slice(start, at)) as string;
      if (character !== '\\') continue;
      if (text[at] === 'u' ? !/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5)) : !'"\\/bfnrt'.includes(text[at] ?? '?')) {
        throw new Stop(at - 1, 'not a valid escape sequence');
      }
      at += text[at] === 'u' ? 5 : 1;
    }
  };
  // The containers that are open are kept in a list, not on the call stack: hostile nesting must not overflow it.
  const open: ('object' | 'array')[] = [];
  const key = () => {
    skipSpace();
    if (text[at] !== '"') stop('expected a field name in double quotes');
    const name = string();
    skipSpace();
    if (text[at] !== ':') stop('expected ":" after the field name');
    at++;
    skipSpace();
    if (open.length !== 1) return;
    values.set(name, at);
    current = name;
  };
  /** Reads one scalar, or opens a container and reads up to its first value. Returns whether a value is complete. */
  const begin = (): boolean => {
    skipSpace();
    const character = text[at];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? 'object' : 'array');
      at++;
      skipSpace();
      if (text[at] === (character === '{' ? '}' : ']')) {
        at++;
        open.pop();
        return true;
      }
      if (character === '{') key();
      return false;
    }
    if (character === '"') {
      string();
      return true;
    }
    const pattern = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
    pattern.lastIndex = at;
    const scalar = pattern.exec(text);
    if (scalar === null) return stop('expected a value');
    at += scalar[0].length;
    return true;
  };

  try {
    for (;;) {
      if (!begin()) continue;
      for (;;) {
        if (current !== null && open.length === 1) {
          ends.set(current, at);
          current = null;
        }
        skipSpace();
        const container = open.at(-1);
        if (container === undefined) {
          if (at < text.length) stop('expected the end of the line');
          return { fault: null, values, ends };
        }
        const closer = container === 'object' ? '}' : ']';
        if (text[at] === closer) {
          at++;
          open.pop();
          continue;
        }
        if (text[at] !== ',') stop(`expected "," or "${closer}"`);
        at++;
        if (container === 'object') key();
        break;
      }
    }
  } catch (error) {
    if (error instanceof Stop) return { fault: { offset: error.offset, reason: error.reason }, values, ends };
    throw error;
  }
}
