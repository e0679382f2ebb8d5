"""The examples that a prompt shows: calls of the entry point with the value that each is said to return. Reads text, executes nothing.

What is found, each only where arguments and value are literals:

    >>> f([1, 2])              f([1, 2]) == 3          f([1, 2]) -> 3      (also =>, ==>, =, and typeset arrows)
    3                          assert f([1, 2]) == 3   f([1, 2]) returns 3  (also "should return", "should be", "is")

A doctest that shows nothing shows None, as it does for Python's own doctest. The prompt is trusted, but may be anything: an
example that cannot be read is none.
"""

import ast
import re

EXAMPLES_MOST = 50
# An example that goes on for longer is no example.
_TEXT_MOST = 4000

_SEPARATOR = re.compile(
    r"[ \t]*(?:#[ \t]*|//[ \t]*)?(?:"
    r"==?>|==|=|--?>|[\u279e\u2794\u2192\u21d2\u27f6\u27f9\u2b95\u279c]|"
    r"(?:it[ \t]+)?(?:should[ \t]+|must[ \t]+|will[ \t]+|would[ \t]+)?(?:returns?|results?[ \t]+in|gives?|be|is|evaluates?[ \t]+to|equals?)\b:?"
    r")[ \t]*",
    re.IGNORECASE,
)
_LITERAL_START = re.compile(r"[\[({\"'+\-.\d]|(?:None|True|False|true|false|set|frozenset)\b|[rRbBuU]{1,2}[\"']")
_NUMBER = re.compile(r"[+-]?[ \t]*(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:\.(?!\w))?(?:[eE][+-]?\d+)?j?)")
_CONSTANT = re.compile(r"(?:None|True|False|true|false)\b")
# Prompts write them as other languages do.
_LOWER_CASE = {"true": True, "false": False}
# What may stand behind a value without making it part of something larger, such as the 2 of `2 * x`.
_AFTER = re.compile(r"(?![ \t]*[-+*/%][ \t]*[\d(])[ \t]*(?:$|[\n\r,;:)#\"'`]|\.(?!\w)|//|<|(?:because|since|as|and|but|for|if|when|while|where|or|i\.e|e\.g)\b|\(|[-=]>|[-\u2013\u2014][ \t])")


class Example:
    """`arguments` and `named` of a call, and what it is said to return: plain values, not to be changed."""

    def __init__(self, arguments, named, expected):
        self.arguments = arguments
        self.named = named
        self.expected = expected


def examples(prompt, entry_point):
    """The examples in a prompt, in order, each call once, at most EXAMPLES_MOST."""
    found = {}
    call = re.compile(r"(?<![\w.])%s[ \t]*\(" % re.escape(entry_point))
    for match in call.finditer(prompt):
        if re.search(r"\bdef[ \t]+$", prompt[: match.start()]):
            continue
        end = _closed(prompt, match.end() - 1)
        if end is None:
            continue
        parts = _call(prompt[match.start() : end])
        if parts is None:
            continue
        expected = _expected(prompt, match.start(), end)
        if expected is None:
            continue
        key = ast.dump(parts[0])
        if key not in found and len(found) < EXAMPLES_MOST:
            found[key] = Example(parts[1], parts[2], expected[0])
    return list(found.values())


def _call(text):
    """(syntax, positional, named) of a call with literal arguments, or None."""
    try:
        tree = ast.parse(text, mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            return None
        named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in tree.keywords if keyword.arg is not None}
        if len(named) < len(tree.keywords):
            return None
        return tree, tuple(ast.literal_eval(argument) for argument in tree.args), named
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None


def _expected(text, start, end):
    """(the value,) that stands behind a call, or None."""
    line_start = text.rfind("\n", 0, start) + 1
    before = text[line_start:start].strip()
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    if before == ">>>" and not text[end:line_end].strip():
        return _doctest_value(text, line_end + 1)
    separator = _SEPARATOR.match(text, end)
    if separator is None:
        return None
    return _value_at(text, separator.end())


def _doctest_value(text, at):
    """(the value,) on the lines behind a doctest's call, up to an empty one, the next call or the end of the docstring.

    None where those lines are no literal.
    """
    lines = []
    for line in text[at : at + _TEXT_MOST].split("\n"):
        stripped = line.strip()
        ends = re.match(r"\"\"\"|'''", stripped)
        if not stripped or stripped.startswith(">>>") or ends:
            break
        lines.append(re.sub(r"(?:\"\"\"|''')$", "", stripped))
    # The longest that is a literal: prose may follow directly.
    for count in range(len(lines), 0, -1):
        value = _literal("\n".join(lines[:count]))
        if value is not None:
            return value
    # A call that shows nothing has returned None.
    return _value_at(lines[0], 0) if lines else (None,)


def _value_at(text, at):
    """(the literal,) that begins at a place of a text and is not a part of something larger, or None."""
    if _LITERAL_START.match(text, at) is None:
        return None
    constant = _CONSTANT.match(text, at)
    if constant is not None and constant.group() in _LOWER_CASE:
        return (_LOWER_CASE[constant.group()],)
    number = _NUMBER.match(text, at)
    if constant is not None:
        end = constant.end()
    elif number is not None:
        end = number.end()
        # A full stop belongs to the sentence.
        if text[end - 1] == ".":
            end -= 1
    else:
        end = _closed(text, at)
    if end is None or _AFTER.match(text, end) is None:
        return None
    return _literal(text[at:end])


def _literal(text):
    try:
        return (ast.literal_eval(text.strip()),)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None


def _closed(text, at):
    """Where the bracket or string ends that begins at `at` (a call's name or a string's prefix may come first), or None."""
    depth = 0
    end = min(len(text), at + _TEXT_MOST)
    while at < end:
        letter = text[at]
        if letter in "\"'":
            at = _string_end(text, at, end)
            if at is None:
                return None
            if depth == 0:
                return at
            continue
        if letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth <= 0:
                return at + 1 if depth == 0 else None
        at += 1
    return None


def _string_end(text, at, end):
    """Where the string of one line ends that begins at `at`, or None. Triple quotes belong to the prompt itself."""
    quote = text[at]
    if text.startswith(quote * 3, at):
        return None
    at += 1
    while at < end and text[at] != "\n":
        if text[at] == "\\":
            at += 1
        elif text[at] == quote:
            return at + 1
        at += 1
    return None
