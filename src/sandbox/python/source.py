"""What the text of a program tells without being executed: tokens that are no Python, names that nothing binds, dead statements.

Runs in a candidate's process that executes nothing of the program, under all its limits: parsers have died of less than what
models write. Counts are of the completion alone, which begins `start` characters into the text. src/sandbox/verdict.ts has the
shape of the result (SourceFacts).
"""

import ast
import builtins
import keyword
import re

NAMES_MOST = 20

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\f\ufeff]+|\\\r?\n)
    |(?P<line>\r\n|\r|\n)
    |(?P<comment>\#[^\r\n]*)
    |(?P<string>(?:[rR][bBfF]?|[bBfF][rR]?|[uUtT]|[tT][rR]|[rR][tT])?(?:\"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\Z)|'''(?:\\.|[^\\])*?(?:'''|\Z)
        |"(?:\\.|[^"\\\r\n])*(?:"|(?=[\r\n])|\Z)|'(?:\\.|[^'\\\r\n])*(?:'|(?=[\r\n])|\Z)))
    |(?P<number>(?:0[xXoObB][\da-fA-F_]+|\d[\d_]*\.?(?:\d[\d_]*)?(?:[eE][+-]?\d+)?|\.\d[\d_]*(?:[eE][+-]?\d+)?)[jJ]?)
    |(?P<name>[^\W\d]\w*)
    |(?P<foreign>`+|&&+|\|\|+|={3,}|!==+|=>|/\*|\*/|</|/>|\?\.|\?\?|<!--|~~~+)
    |(?P<operator>\*\*=|//=|>>=|<<=|\.\.\.|!=|->|:=|\*\*|//|>>|<<|<=|>=|==|[-+*/%&|^@]=|[-+*/%&|^@~<>()\[\]{},:.;=])
    |(?P<unknown>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# Words that may stand before a plain name at the start of a line: soft keywords, and the statements of Python 2.
_OPENING = frozenset(("match", "case", "type", "print", "exec"))
_KEYWORDS = frozenset(keyword.kwlist)
# What other languages, most of which have statements in braces, put before a name to bind it, and before a block in braces.
_DECLARING = frozenset(("const", "let", "var"))
_BEFORE_ARGUMENTS = frozenset(("catch", "for", "if", "switch", "while"))
_BEFORE_BLOCK = frozenset(("=>", "do", "else", "finally", "try"))
_OPENERS = {")": "(", "]": "[", "}": "{"}


def facts(program, start, entry_point):
    """The SourceFacts of a program, and whether it compiles. What the parser cannot tell, for whatever reason, is empty."""
    found = {
        "compiles": False,
        "parses": False,
        "undefinedNames": [],
        "undefinedCalls": [],
        "deadStatements": 0,
        "redefined": [],
    }
    tokens = _tokens(program)
    own = [token for token in tokens if token.end > start and token.kind != "line"]
    found["tokens"] = len(own)
    _mark_foreign(tokens)
    found["foreignTokens"] = sum(token.foreign for token in own)
    lines = [line for line in _lines(tokens, start) if not _is_fence(line)]
    found["lines"] = len(lines)
    found["foreignLines"] = sum(2 * sum(token.foreign for token in line) > len(line) for line in lines)
    found["callsInput"] = any(
        first.text == "input" and second.text == "(" and (before is None or before.text not in (".", "def"))
        for before, first, second in zip([None] + own, own, own[1:])
    )
    try:
        tree = ast.parse(program)
        found["parses"] = True
        _look_at(tree, _Place(program, start), entry_point, found)
        compile(tree, "<text>", "exec", 0, True)
        found["compiles"] = True
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Not Python, or nested too deep to be looked at.
        pass
    return found


class _Token:
    __slots__ = ("kind", "text", "end", "foreign")

    def __init__(self, kind, text, end):
        self.kind = kind
        self.text = text
        self.end = end
        # Not every letter of Unicode may stand in a name.
        self.foreign = kind in ("foreign", "unknown") or (kind == "name" and not text.isidentifier())


def _tokens(text):
    """Tokens of any text at all, broken strings included; comments and blanks left out."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind not in ("space", "comment"):
            found.append(_Token(kind, match.group() if kind != "string" else '"', match.end()))
    return found


def _mark_foreign(tokens):
    """Marks what cannot be Python where it stands, beyond unknown characters: the words of prose, what opens a fence, and functions and
    blocks in braces."""
    _mark_blocks(tokens)
    for line in _lines(tokens):
        _mark_line(line)


def _lines(tokens, start=0):
    """The tokens of each line that has some behind `start`, those alone; a text over several lines is one token of its last."""
    found = [[]]
    for token in tokens:
        if token.kind == "line":
            found.append([])
        elif token.end > start:
            found[-1].append(token)
    return [line for line in found if line]


def _is_fence(line):
    """Whether a line opens or closes Markdown's code: about the text, and no line of it."""
    return line[0].text.startswith("```")


def _mark_blocks(tokens):
    """Marks the functions of other languages, as `int f(int x) { ... }`, and blocks in braces that hold a semicolon, with the lines they begin in.

    Both are beyond what a slip makes of Python: that has no semicolon in braces, and no braces behind a name, another one and its arguments.
    """
    pairs = {}
    open_ones = []
    # Of every token: where its line begins, and how many semicolons stand before it.
    begins = []
    semicolons = []
    begin = count = 0
    for index, token in enumerate(tokens):
        begins.append(begin)
        semicolons.append(count)
        if token.kind == "line":
            begin = index + 1
        count += token.text == ";"
        if token.text in _OPENERS.values():
            open_ones.append(index)
        elif token.text in _OPENERS and open_ones and tokens[open_ones[-1]].text == _OPENERS[token.text]:
            pairs[open_ones[-1]] = index
            pairs[index] = open_ones.pop()
    marked = 0
    for index, token in enumerate(tokens[1:], 1):
        if index < marked or token.text != "{":
            continue
        has_arguments = tokens[index - 1].text == ")" and index - 1 in pairs
        # What stands before the block and its arguments: up to two tokens of one line.
        word = pairs[index - 1] - 1 if has_arguments else index - 1
        head = tokens[max(begins[word], word - 1) : word + 1] if word >= 0 else []
        last = head[-1].text if head else ""
        is_function = has_arguments and (last == "function" or (len(head) == 2 and all(map(_is_plain, head))))
        is_block = last in (_BEFORE_ARGUMENTS if has_arguments else _BEFORE_BLOCK)
        end = pairs.get(index)
        if is_function or (is_block and end is not None and semicolons[end] > semicolons[index]):
            first = max(begins[word], marked)
            # A function that is cut off goes on to the end.
            marked = (len(tokens) if end is None else end) + 1
            for inside in tokens[first:marked]:
                inside.foreign = True


def _is_plain(token):
    return token.kind == "name" and token.text not in _KEYWORDS


def _mark_line(line):
    if len(line) > 2 and line[0].text in _DECLARING and _is_plain(line[1]) and line[-1].text == ";":
        for token in line:
            token.foreign = True
        return
    if _is_fence(line):
        # With the language's name behind it.
        for token in line:
            token.foreign = True
        return
    words = [token for token in line if token.kind == "name"]
    runs = []
    run = []
    for position, token in enumerate(line):
        plain = _is_plain(token) and not (position == 0 and token.text in _OPENING)
        if plain:
            run.append(token)
        else:
            runs.append(run)
            run = []
    runs.append(run)
    runs = [run for run in runs if len(run) > 1]
    for run in runs:
        for token in run:
            token.foreign = True
    # A sentence: then its words that happen to be keywords are none.
    if len(runs) > 1 or any(len(run) > 2 for run in runs):
        for token in words:
            token.foreign = True
    for before, token in zip(line, line[1:]):
        # A number or a string directly behind a plain name, or a plain name behind one.
        one, other = before.kind, token.kind
        if {one, other} in ({"name", "number"}, {"name", "string"}):
            name = before if one == "name" else token
            if name.text not in _KEYWORDS and not (before is line[0] and name.text in _OPENING):
                before.foreign = token.foreign = True


class _Place:
    """Where the completion begins, in the parser's terms: a line, and in it an offset in bytes."""

    def __init__(self, program, start):
        lines = re.split(r"\r\n|\r|\n", program[:start])
        self.begin = (len(lines), len(lines[-1].encode("utf-8", "surrogatepass")))

    def is_own(self, node):
        return (node.lineno, node.col_offset) >= self.begin


def _look_at(tree, place, entry_point, found):
    found["deadStatements"] = _dead_statements(tree, place)
    found["redefined"] = _redefined(tree, place, entry_point)
    names = _Names(tree)
    if not names.is_unknown:
        reads = sorted((read for read in names.undefined() if place.is_own(read.node)), key=_position)
        found["undefinedNames"] = _first(read.node.id for read in reads)
        found["undefinedCalls"] = _first(read.node.id for read in reads if read.is_called and read.node.id in found["undefinedNames"])


def _position(read):
    return read.node.lineno, read.node.col_offset


def _first(names):
    return list(dict.fromkeys(names))[:NAMES_MOST]


def _dead_statements(tree, place):
    count = 0
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if type(block) is not list:
                continue
            ended = False
            for statement in block:
                count += ended and place.is_own(statement)
                ended = ended or isinstance(statement, (ast.Return, ast.Raise, ast.Break, ast.Continue))
    return count


def _redefined(tree, place, entry_point):
    """Functions at the top of the prompt, the entry point aside, whose names the top of the completion binds anew."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    shown = [node.name for node in tree.body if isinstance(node, functions) and not place.is_own(node) and node.name != entry_point]
    anew = set()
    for node in tree.body:
        if place.is_own(node):
            if isinstance(node, functions + (ast.ClassDef,)):
                anew.add(node.name)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                anew.update(target.id for target in targets if isinstance(target, ast.Name))
    return _first(name for name in shown if name in anew)


# What every module has, and what the compiler adds in classes.
_ALWAYS = frozenset(dir(builtins)) | {
    "__name__", "__doc__", "__package__", "__loader__", "__spec__", "__builtins__", "__annotations__",
    "exit", "quit", "copyright", "credits", "license", "help",
}  # fmt: skip
_IN_CLASSES = frozenset(("__module__", "__qualname__", "__class__", "__firstlineno__", "__classdict__"))
# By these, names can come into being that no parser sees.
_DYNAMIC = frozenset(("exec", "globals", "locals", "vars", "builtins", "__builtins__", "__import__"))


class _Read:
    __slots__ = ("node", "scope", "is_called")

    def __init__(self, node, scope, is_called):
        self.node = node
        self.scope = scope
        self.is_called = is_called


class _Scope:
    """What one module, function, class or comprehension binds."""

    def __init__(self, kind, parent):
        self.kind = kind
        self.parent = parent
        self.bound = set()
        self.outer = set()

    def binds(self, name):
        """Whether a read of `name` here can find it."""
        if name in _ALWAYS:
            return True
        scope = self
        while scope is not None:
            # A function inside a class does not see the class's names.
            if name in scope.bound and (scope is self or scope.kind != "class"):
                return True
            if scope.kind == "class" and name in _IN_CLASSES:
                return True
            scope = scope.parent
        return False


class _Names(ast.NodeVisitor):
    """Finds every binding and every read of a module, with Python's rules of scope. Errs towards bound."""

    def __init__(self, tree):
        self.is_unknown = False
        self._reads = []
        self._module = self._scope = _Scope("module", None)
        self._annotations_run = not any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__" and any(name.name == "annotations" for name in node.names)
            for node in tree.body
        )
        self._called = set()
        self.visit(tree)

    def undefined(self):
        return [read for read in self._reads if not read.scope.binds(read.node.id)]

    def _bind(self, name, scope=None):
        scope = scope or self._scope
        if name in scope.outer:
            # `global` and `nonlocal`: whichever it is, the module may have it then.
            self._module.bound.add(name)
        scope.bound.add(name)

    def _visit_all(self, nodes):
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _enter(self, kind, action):
        outer = self._scope
        self._scope = _Scope(kind, outer)
        action()
        self._scope = outer

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            if node.id in _DYNAMIC:
                self.is_unknown = True
            self._reads.append(_Read(node, self._scope, id(node) in self._called))
        else:
            self._bind(node.id)

    def visit_Call(self, node):
        self._called.add(id(node.func))
        self.generic_visit(node)

    def visit_Global(self, node):
        self._scope.outer.update(node.names)
        for name in node.names:
            # Bound by whoever assigns to it; a name that nobody assigns to stays unbound.
            self._scope.bound.discard(name)

    visit_Nonlocal = visit_Global

    def visit_Import(self, node):
        for name in node.names:
            if name.name == "builtins":
                self.is_unknown = True
            self._bind(name.asname or name.name.split(".")[0])

    def visit_ImportFrom(self, node):
        for name in node.names:
            if name.name == "*":
                self.is_unknown = True
            self._bind(name.asname or name.name)

    def visit_FunctionDef(self, node):
        self._bind(node.name)
        self._visit_all(node.decorator_list)
        self._type_parameters(node)
        self._function(node.args, node.returns, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        self._function(node.args, None, [node.body])

    def _function(self, args, returns, body):
        parameters = args.posonlyargs + args.args + args.kwonlyargs + [one for one in (args.vararg, args.kwarg) if one is not None]
        self._visit_all(args.defaults + args.kw_defaults)
        if self._annotations_run:
            self._visit_all([parameter.annotation for parameter in parameters] + [returns])

        def inside():
            for parameter in parameters:
                self._bind(parameter.arg)
            self._visit_all(body)

        self._enter("function", inside)

    def visit_ClassDef(self, node):
        self._bind(node.name)
        self._visit_all(node.decorator_list)
        self._type_parameters(node)
        self._visit_all(node.bases + node.keywords)
        self._enter("class", lambda: self._visit_all(node.body))

    def _type_parameters(self, node):
        for parameter in getattr(node, "type_params", ()):
            self._bind(parameter.name)

    def visit_TypeAlias(self, node):
        # Its value is computed when somebody asks for it.
        self._type_parameters(node)
        self.visit(node.name)

    def visit_AnnAssign(self, node):
        self._visit_all([node.value])
        if self._annotations_run and (self._scope.kind in ("module", "class") or not isinstance(node.target, ast.Name)):
            self.visit(node.annotation)
        self.visit(node.target)

    def _comprehension(self, node, results):
        # The first iterable is computed outside.
        self.visit(node.generators[0].iter)

        def inside():
            for index, generator in enumerate(node.generators):
                if index > 0:
                    self.visit(generator.iter)
                self.visit(generator.target)
                self._visit_all(generator.ifs)
            self._visit_all(results)

        self._enter("comprehension", inside)

    def visit_ListComp(self, node):
        self._comprehension(node, [node.elt])

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node):
        self._comprehension(node, [node.key, node.value])

    def visit_NamedExpr(self, node):
        self.visit(node.value)
        scope = self._scope
        while scope.kind == "comprehension":
            scope = scope.parent
        self._bind(node.target.id, scope)

    def visit_ExceptHandler(self, node):
        if node.name is not None:
            self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node):
        if node.name is not None:
            self._bind(node.name)
        self.generic_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node):
        if node.rest is not None:
            self._bind(node.rest)
        self.generic_visit(node)
