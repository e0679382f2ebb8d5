/**
 * Regular expressions that cannot hang: the part of JavaScript's syntax that an automaton decides, run as a set of
 * states (Thompson 1968), so that a match costs at most text x pattern. Says whether a pattern occurs, not where.
 *
 * Allowed: characters, `.`, classes, `\d \w \s \D \W \S`, `\n \r \t \xhh \uhhhh`, groups, `|`, `* + ? {m} {m,} {m,n}`,
 * `^ $ \b \B`, and the flag `i`. Refused, with the column: backreferences and looking around, which no automaton
 * decides, and what has several meanings without the flag `u`.
 */

/** Why a pattern was refused; ends in the column, counted from 1 after the opening slash. */
export class PatternError extends Error {}

/** A compiled pattern: whether it occurs in a text. */
export type Pattern = (text: string) => boolean;

/** Counted repetitions are written out, and so is what they nest. */
const MOST_STATES = 2_000;

type CharacterTest = (unit: number) => boolean;
type Assertion = (text: string, at: number) => boolean;

type Node =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'assertion'; readonly test: Assertion }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number };

type State =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'assertion'; readonly test: Assertion }
  | { readonly kind: 'split'; targets: number[] }
  | { readonly kind: 'end' };

/**
 * Compiles the body of a pattern, what stands between the slashes.
 * @throws PatternError
 */
export function compilePattern(source: string, ignoreCase = false): Pattern {
  const states = statesOf(new Parser(source, ignoreCase).parse());
  return (text) => occurs(states, ignoreCase ? lower(text) : text);
}

function occurs(states: readonly State[], text: string): boolean {
  // Positions instead of sets to clear: a state is in the list for a position where its mark is that position.
  const marks = new Int32Array(states.length).fill(-1);
  /** Adds what is reached from `first` without a character; whether the end is. */
  const reach = (first: number, at: number, list: number[]): boolean => {
    const open = [first];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (marks[index] === at) continue;
      marks[index] = at;
      const state = states[index]!;
      if (state.kind === 'end') return true;
      if (state.kind === 'split') open.push(...state.targets);
      else if (state.kind === 'character') list.push(index);
      else if (state.test(text, at)) open.push(index + 1);
    }
    return false;
  };
  let current: number[] = [];
  for (let at = 0; ; at++) {
    // It may begin anywhere.
    if (reach(0, at, current)) return true;
    if (at === text.length) return false;
    const next: number[] = [];
    const unit = text.charCodeAt(at);
    for (const index of current) {
      const state = states[index]!;
      if (state.kind === 'character' && state.test(unit) && reach(index + 1, at + 1, next)) return true;
    }
    current = next;
  }
}

function statesOf(tree: Node): State[] {
  const states: State[] = [];
  const push = (state: State): number => {
    if (states.length >= MOST_STATES) throw new PatternError(`repetitions that make it longer than ${MOST_STATES} steps`);
    return states.push(state) - 1;
  };
  const split = (...targets: number[]): { readonly kind: 'split'; targets: number[] } => {
    const state = { kind: 'split' as const, targets };
    push(state);
    return state;
  };
  const emit = (node: Node): void => {
    switch (node.kind) {
      case 'character':
      case 'assertion':
        push(node);
        return;
      case 'sequence':
        node.parts.forEach(emit);
        return;
      case 'choice': {
        const entry = split();
        const leaving = node.parts.map((part) => {
          entry.targets.push(states.length);
          emit(part);
          return split();
        });
        for (const leave of leaving) leave.targets.push(states.length);
        return;
      }
      case 'repeat': {
        for (let i = 0; i < node.least; i++) emit(node.part);
        if (node.most === Infinity) {
          const again = split(states.length + 1);
          const start = states.length - 1;
          emit(node.part);
          split(start);
          again.targets.push(states.length);
          return;
        }
        const leaving = [];
        for (let i = node.least; i < node.most; i++) {
          leaving.push(split(states.length + 1));
          emit(node.part);
        }
        for (const leave of leaving) leave.targets.push(states.length);
      }
    }
  };
  emit(tree);
  push({ kind: 'end' });
  return states;
}

const LINE_BREAK: CharacterTest = (unit) => unit === 0x0a || unit === 0x0d || unit === 0x2028 || unit === 0x2029;
const DIGIT: CharacterTest = (unit) => unit >= 0x30 && unit <= 0x39;
const WORD: CharacterTest = (unit) => DIGIT(unit) || (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f;
const SPACE: CharacterTest = (unit) => /\s/.test(String.fromCharCode(unit));
const not =
  (test: CharacterTest): CharacterTest =>
  (unit) =>
    !test(unit);

const CLASSES: Readonly<Record<string, CharacterTest>> = {
  d: DIGIT,
  D: not(DIGIT),
  w: WORD,
  W: not(WORD),
  s: SPACE,
  S: not(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, '0': 0 };

const atWordEdge: Assertion = (text, at) => {
  const isWord = (index: number): boolean => index >= 0 && index < text.length && WORD(text.charCodeAt(index));
  return isWord(at - 1) !== isWord(at);
};

/** ASCII only, so that a text keeps its length. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source;
    this.#ignoreCase = ignoreCase;
  }

  readonly #ignoreCase: boolean;

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#source.length) this.#refuse('a ) that closes nothing');
    return node;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && !'|)'.includes(this.#peek())) parts.push(this.#repeated());
    return { kind: 'sequence', parts };
  }

  #repeated(): Node {
    const start = this.#at;
    const part = this.#single();
    const bounds = this.#quantifier();
    if (bounds === null) return part;
    if (part.kind === 'assertion') this.#refuse('a repetition of a place', start);
    // Lazy or not, the same texts match.
    this.#take('?');
    if (this.#quantifierFollows()) this.#refuse('a repetition of a repetition');
    return { kind: 'repeat', part, ...bounds };
  }

  #quantifier(): { least: number; most: number } | null {
    if (this.#take('*')) return { least: 0, most: Infinity };
    if (this.#take('+')) return { least: 1, most: Infinity };
    if (this.#take('?')) return { least: 0, most: 1 };
    const found = this.#counted();
    if (found === null) return null;
    this.#at += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] === '' ? Infinity : Number(found[3]);
    if (most < least) this.#refuse('a repetition from more to less', this.#at - found[0].length);
    if (Math.max(least, most === Infinity ? 0 : most) > MOST_STATES) this.#refuse(`a repetition of more than ${MOST_STATES} times`);
    return { least, most };
  }

  #counted(): RegExpExecArray | null {
    return /^\{(\d+)(,(\d*))?\}/.exec(this.#source.slice(this.#at, this.#at + 20));
  }

  #quantifierFollows(): boolean {
    return '*+?'.includes(this.#peek() || '-') || this.#counted() !== null;
  }

  #single(): Node {
    const character = this.#next();
    switch (character) {
      case '(': {
        const start = this.#at - 1;
        if (this.#take('?') && !this.#take(':')) this.#refuse('looking around, or a named group: write (?: )', start);
        const node = this.#choice();
        if (!this.#take(')')) this.#refuse('a ( that is not closed', start);
        return node;
      }
      case '[':
        return { kind: 'character', test: this.#class() };
      case '.':
        return { kind: 'character', test: not(LINE_BREAK) };
      case '^':
        return { kind: 'assertion', test: (_, at) => at === 0 };
      case '$':
        return { kind: 'assertion', test: (text, at) => at === text.length };
      case '\\':
        return this.#escaped();
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        return this.#refuse(`a ${character} that means nothing here: write \\${character}`, this.#at - 1);
      default:
        return this.#literal(character.charCodeAt(0));
    }
  }

  #escaped(): Node {
    const character = this.#peek();
    if (character === 'b' || character === 'B') {
      this.#at++;
      return { kind: 'assertion', test: character === 'b' ? atWordEdge : (text, at) => !atWordEdge(text, at) };
    }
    const value = this.#escape();
    return typeof value === 'number' ? this.#literal(value) : { kind: 'character', test: value };
  }

  /** What follows a backslash: one character, or a class of them. */
  #escape(): number | CharacterTest {
    const start = this.#at - 1;
    const character = this.#next();
    if (character === '') this.#refuse('a backslash at the end', start);
    const known = CLASSES[character];
    if (known !== undefined) return known;
    const coded = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(this.#source.slice(start + 1, start + 6));
    if (coded !== null) {
      this.#at = start + 1 + coded[0].length;
      return parseInt(coded[1] ?? coded[2]!, 16);
    }
    const control = CONTROLS[character];
    if (control !== undefined && !(character === '0' && DIGIT(this.#source.charCodeAt(this.#at)))) return control;
    if (/[A-Za-z0-9]/.test(character)) this.#refuse(`\\${character}, which is a backreference or has no meaning here`, start);
    return character.charCodeAt(0);
  }

  #class(): CharacterTest {
    const start = this.#at - 1;
    const negated = this.#take('^');
    const tests: CharacterTest[] = [];
    while (!this.#take(']')) {
      if (this.#at >= this.#source.length) this.#refuse('a [ that is not closed', start);
      const from = this.#classItem();
      const ranged = this.#peek() === '-' && this.#source[this.#at + 1] !== ']' && this.#at + 1 < this.#source.length;
      if (!ranged) {
        tests.push(typeof from === 'number' ? this.#range(from, from) : from);
        continue;
      }
      this.#at++;
      const to = this.#classItem();
      if (typeof from !== 'number' || typeof to !== 'number' || to < from) return this.#refuse('a range that has no first and last', start);
      tests.push(this.#range(from, to));
    }
    return (unit) => tests.some((test) => test(unit)) !== negated;
  }

  #classItem(): number | CharacterTest {
    const character = this.#next();
    if (character !== '\\') return character.charCodeAt(0);
    if (this.#take('b')) return 0x08;
    return this.#escape();
  }

  #literal(unit: number): Node {
    return { kind: 'character', test: this.#range(unit, unit) };
  }

  /** Without regard to case the text arrives in small letters: a capital in the pattern stands for its small one too. */
  #range(from: number, to: number): CharacterTest {
    if (!this.#ignoreCase) return (unit) => unit >= from && unit <= to;
    return (unit) => {
      const capital = unit >= 0x61 && unit <= 0x7a ? unit - 0x20 : unit;
      return (unit >= from && unit <= to) || (capital >= from && capital <= to);
    };
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #next(): string {
    const character = this.#peek();
    this.#at++;
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #refuse(what: string, at = this.#at): never {
    throw new PatternError(`${what}, column ${at + 1}`);
  }
}
