"""A problem's prompt and test, compiled, and what can be asked of their syntax. Executes neither, and knows no candidate.

A compiled test has hooks: it does what it did, and its assertions tell three functions of its namespace where they stand.
  __faultline_begin__(index, truth)          before the assertion of that index. `truth`: that of its call's value, where it asks for nothing more
  __faultline_mark__()                       before its expected value is computed; the result goes to the next
  __faultline_expect__(index, mark, value)   the expected value, which is returned
So the value that is told as expected is the one that was compared. Computed again it may be another one, or call the candidate again.

Both are trusted: they come from the data set. The program never gets here.
"""

import ast
import copy
import re

import wire
from description import message_of
from examples import examples

TEST_FILE = "<test>"
PROMPT_FILE = "<prompt>"
_LINE_END = re.compile("\r\n|\r|\n")
# Fields of the syntax tree that hold a name: `id` of Name; those that bind one without it (of a function, class, import, `except`, parameter, `global`, or
# pattern of `match`, from 3.10).
_NAME_FIELDS = ("id", "name", "asname", "arg", "names", "rest")
# What binds or reads names that stand in a string.
_BINDERS = ("exec", "eval", "globals", "locals", "vars", "setattr", "delattr", "builtins", "__builtins__", "sys", "importlib")
# The words of 3.9 to 3.13; a suggestion may follow. 3.9 has no NameError.name.
_NOT_DEFINED = re.compile("name '([^']+)' is not defined")
# In what the compiler says of a text that is open at its end.
_OPEN = ("was never closed", "triple-quoted", "EOF")


class Problem:
    """A prompt and test, compiled."""

    def __init__(self, prompt, test, entry_point):
        # `alone`: the text of it that compiles. `syntax_fault`: (line, message) of an error that it has whatever follows; None where it has none.
        self.prompt, self.alone, self.syntax_fault = _compile_prompt(prompt, entry_point)
        # Why it does not load by itself; empty where it does, None where nobody has asked (judge.py).
        self.load_fault = None
        tree = _without_calls_in_messages(ast.parse(test, TEST_FILE))
        self.source = test
        # An assertion of a constant (`assert True`) says nothing about the candidate.
        self.assertions = [node for node in ast.walk(tree) if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant)]
        self.assertions.sort(key=lambda node: (node.lineno, node.col_offset))
        self._names = ("candidate", entry_point) + _parameter(tree)
        self._tree = _Hook(self.assertions, self._names).visit(tree)
        self.test = compile(ast.fix_missing_locations(self._tree), TEST_FILE, "exec", dont_inherit=True)
        self._instrumented = None
        self._prompt_text = prompt
        self._entry_point = entry_point
        self._examples = None

    def examples(self):
        """The examples that the prompt shows, as {the call's bytes on the wire: example}."""
        if self._examples is None:
            found = examples(self._prompt_text, self._entry_point)
            self._examples = {wire.encode((example.arguments, example.named)): example for example in found}
        return self._examples

    def instrumented(self):
        """The test with every assertion tried alone: a further function hears of each, `__faultline_tried__(index, held)`."""
        if self._instrumented is None:
            tree = _Instrument(self.assertions).visit(copy.deepcopy(self._tree))
            self._instrumented = compile(ast.fix_missing_locations(tree), TEST_FILE, "exec", dont_inherit=True)
        return self._instrumented

    def assertion_at(self, line):
        """The innermost assertion that covers a line of the test, or None."""
        found = [node for node in self.assertions if node.lineno <= line <= node.end_lineno]
        return max(found, key=lambda node: node.lineno) if found else None

    def leaves_itself(self, code, line):
        """Whether no program passes, as whoever comes to `line` of `code`, the test's own or its `check`'s, leaves the test there by an exit."""
        return _is_exit(self._always_reached(code, line))

    def lacks(self, error, code, line):
        """Whether no program passes, as whoever comes to `line` of `code`, the test's own or its `check`'s, comes to an import there that fails, or to a
        name that the test does not bind, and the prompt, as far as it loads by itself, has not: what raised `error`, itself and in no function."""
        statement = self._always_reached(code, line)
        if statement is None:
            return False
        if type(error) is ModuleNotFoundError:
            # Other kinds may be for lack of memory.
            return isinstance(statement, (ast.Import, ast.ImportFrom))
        match = _NOT_DEFINED.match(message_of(error)) if type(error) is NameError else None
        bound = _bound_in(self._tree)
        if match is None or not _names_in(self._tree).isdisjoint(_BINDERS) or match[1] in bound or "*" in bound:
            return False
        return any(isinstance(part, ast.Name) and part.id == match[1] for part in _always_computed(statement))

    def never_ends(self, code, line):
        """Whether no program passes, as whoever comes to `line` of `code`, the test's own or its `check`'s, comes into a loop without end there."""
        return _is_endless(self._always_reached(code, line))

    def is_apart(self, code, line):
        """Whether whoever comes to `line` of `code`, the test's own or its `check`'s, comes to a statement there that has nothing to do with what the
        candidate returns. Not said of a test that may bind a name where its text does not show it."""
        statement = self._always_reached(code, line)
        if statement is None or not _names_in(self._tree).isdisjoint(_BINDERS):
            return False
        return _names_in(statement).isdisjoint(_touched(self._tree, self._names))

    def _always_reached(self, code, line):
        """The statement at a place, where the test comes there under no condition but that what stands before has held; else None."""
        body = self._tree.body
        if code.co_name != "<module>":
            bodies = [node.body for node in body if isinstance(node, ast.FunctionDef) and node.name == code.co_name == "check"]
            body = bodies[-1] if bodies else []
        if any(isinstance(part, (ast.Return, ast.Yield, ast.YieldFrom)) for node in body for part in _own_parts(node)):
            return None
        # Not within another one, which may be one of many ways.
        at = [node for node in body if node.lineno <= line <= node.end_lineno and not _is_begin(node)]
        return at[0] if len(at) == 1 else None


def _is_exit(node):
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "SystemExit"
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    called = node.value.func
    return (called.id if isinstance(called, ast.Name) else getattr(called, "attr", None)) in ("exit", "quit", "_exit")


def _is_endless(node):
    if not isinstance(node, ast.While) or not isinstance(node.test, ast.Constant) or not node.test.value:
        return False
    return not any(isinstance(part, ast.Break) for inner in node.body for part in _own_parts(inner))


def _own_parts(node):
    """A statement and what it is made of, but for what stands in functions and classes of its own."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return
    yield node
    for inner in ast.iter_child_nodes(node):
        yield from _own_parts(inner)


def _names_in(node):
    """All names that a node asks for or binds."""
    return set().union(*map(_names_here, ast.walk(node)))


def _names_here(part):
    """The names that stand in a node itself."""
    held = [getattr(part, field, None) for field in _NAME_FIELDS]
    texts = [text for value in held for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    # `import os.path` binds `os`.
    return {text.split(".")[0] for text in texts}


def _bound_in(tree):
    """All names that are bound or deleted anywhere within a tree, or that a `global` names; `*` where a module's are."""

    def reads(part):
        return isinstance(part, ast.keyword) or isinstance(getattr(part, "ctx", None), ast.Load)

    return set().union(*(_names_here(part) for part in ast.walk(tree) if not reads(part)))


def _always_computed(node):
    """The parts of a statement, or of an expression, that are computed whenever it is."""
    yield node
    if isinstance(node, ast.BoolOp):
        inner = node.values[:1]
    elif isinstance(node, ast.Compare):
        inner = [node.left] + node.comparators[:1]
    elif isinstance(node, (ast.IfExp, ast.Assert)):
        inner = [node.test]
    elif isinstance(node, (ast.Expr, ast.Assign, ast.BinOp, ast.UnaryOp, ast.Call, ast.Attribute, ast.Subscript)):
        inner = [part for part in ast.iter_child_nodes(node) if isinstance(part, (ast.expr, ast.keyword))]
    elif isinstance(node, (ast.keyword, ast.Starred, ast.List, ast.Tuple, ast.Set, ast.Dict)):
        inner = ast.iter_child_nodes(node)
    else:
        # What has parts that may be left out, such as a loop, or other names, such as a lambda.
        inner = []
    for part in inner:
        yield from _always_computed(part)


def _touched(tree, names):
    """All names behind which something of the candidate's may be: `names`, those in a statement with one of them, those in one with one of these ..."""
    groups = []
    for node in tree.body:
        is_check = isinstance(node, ast.FunctionDef) and node.name == "check"
        # Nothing of the candidate's gets into a module by its import, and two modules on one line have nothing to do with each other.
        groups += [_names_in(part) for part in (node.body if is_check else [node]) if not isinstance(part, (ast.Import, ast.ImportFrom))]
    touched = set(names)
    while True:
        further = set().union(*(group for group in groups if not group.isdisjoint(touched)))
        if further <= touched:
            return touched
        touched |= further


def _call_at(node, name, *arguments):
    return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), list(arguments), []), node)


def _is_begin(node):
    """Whether a statement is the hook before an assertion, which has the assertion's place."""
    return isinstance(node, ast.Expr) and _is_call_of(node.value, ("__faultline_begin__",), 2)


class _Hook(ast.NodeTransformer):
    """Adds the hooks to a test, whose assertions are given in order."""

    def __init__(self, assertions, names):
        self._names = names
        self._index = {node: index for index, node in enumerate(assertions)}

    def visit_Assert(self, node):
        index = self._index.get(node)
        if index is None:
            return node
        side = expected_side(node, self._names)
        truth = _implied_truth(node, self._names)
        if side is not None:
            hook = _call_at(node, "__faultline_expect__", ast.Constant(index), _call_at(node, "__faultline_mark__"), side)
            node.test = _Replace(side, hook).visit(node.test)
        begin = ast.Expr(_call_at(node, "__faultline_begin__", ast.Constant(index), ast.Constant(truth)))
        return [ast.copy_location(begin, node), node]


class _Instrument(ast.NodeTransformer):
    """Has every assertion tell whether it held, and the test go on behind it.

    What a call raises is the test's own business where the test names it: `assert candidate(-1) == 0` in a `try` with `except ValueError: pass` allows for
    both. So what such a handler takes is left to it, and the assertion has not failed.
    """

    def __init__(self, assertions):
        self._index = {(node.lineno, node.col_offset): index for index, node in enumerate(assertions)}
        # Of the `try` statements around, within one function, the innermost first.
        self._handlers = []

    def visit_Try(self, node):
        outside = self._handlers
        self._handlers = node.handlers + outside
        node.body = self._visited(node.body)
        self._handlers = outside
        node.handlers, node.orelse, node.finalbody = map(self._visited, (node.handlers, node.orelse, node.finalbody))
        return node

    def _visited(self, nodes):
        return [self.visit(node) for node in nodes]

    def visit_FunctionDef(self, node):
        outside, self._handlers = self._handlers, []
        self.generic_visit(node)
        self._handlers = outside
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assert(self, node):
        index = self._index.get((node.lineno, node.col_offset))

        def tell(held):
            # `assert False` behind a call that should have raised is nobody's assertion; what comes after it is tried all the same.
            hook = _call_at(node, "__faultline_tried__", ast.Constant(index), ast.Constant(held))
            return ast.copy_location(ast.Pass() if index is None else ast.Expr(hook), node)

        def caught(kind, *then):
            return ast.copy_location(ast.ExceptHandler(kind, None, list(then)), node)

        anything = ast.Name("Exception", ast.Load())
        failed = tell(False)
        takers = []
        for handler in self._handlers:
            if handler.type is None:
                break
            then = (tell(True), ast.Raise(None, None)) if _takes(handler) else (tell(False),)
            takers.append(caught(copy.deepcopy(handler.type), *then))
        if takers:
            # What ends the execution is no Exception, and comes to none of them.
            failed = ast.copy_location(ast.Try([ast.Raise(None, None)], takers + [caught(anything, failed)], [], []), node)
        return ast.copy_location(ast.Try([node], [caught(anything, failed)], [tell(True)], []), node)


def _takes(handler):
    """Whether an exception of a call's may be what the test expects there: its handler names it, and does not fail itself."""
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    parts = [part for node in handler.body for part in _own_parts(node)]
    fails = any(isinstance(part, ast.Raise) or (isinstance(part, ast.Assert) and _is_false(part)) for part in parts)
    return not fails and names.isdisjoint(("BaseException", "Exception", "AssertionError"))


def _is_false(node):
    return isinstance(node.test, ast.Constant) and not node.test.value


class _Replace(ast.NodeTransformer):
    """Puts one node in another's place."""

    def __init__(self, old, new):
        self._old = old
        self._new = new

    def visit(self, node):
        return self._new if node is self._old else super().visit(node)


def _without_calls_in_messages(tree):
    """The test without the assertions' messages that call something.

    Where one is made the assertion has failed. A call of the candidate in it (`assert f(1) == 2, f(3)`) would be taken for the one
    that was compared, or fail in another way than the assertion.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.msg is not None and any(isinstance(part, ast.Call) for part in ast.walk(node.msg)):
            node.msg = None
    return tree


def _parameter(tree):
    """The name by which the test's `check` knows the candidate, which is not always `candidate`: a tuple of it, or of nothing."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "check":
            return tuple(parameter.arg for parameter in (node.args.posonlyargs + node.args.args)[:1])
    return ()


def _compile_prompt(prompt, entry_point):
    """The prompt as a module of its own (usually the unfinished function's docstring makes it whole); the text of that; and where it is wrong whatever
    follows, as Problem.syntax_fault."""
    attempts = [prompt, prompt + "\n    pass\n"]
    cut = prompt.rfind("def " + entry_point)
    if cut >= 0:
        attempts.append(prompt[:cut])
    # A prompt that is no Python by itself has nothing the test could need.
    attempts.append("")
    errors = []
    for text in attempts:
        try:
            code = compile(text, PROMPT_FILE, "exec", dont_inherit=True)
            break
        except SyntaxError as error:
            errors.append((error.lineno, error.msg))
        except ValueError:
            errors.append(None)
    return code, text, _fault_of_its_own(errors, len(_LINE_END.findall(prompt)))


def _fault_of_its_own(errors, lines):
    """The error of a prompt of so many whole lines that what follows does not change, if its first two attempts had one."""
    error = errors[0] if len(errors) > 1 and errors[0] == errors[1] else None
    # One in its last line, or of something that is open at its end, may be the completion's.
    if error is None or not 1 <= (error[0] or 0) <= lines or any(words in error[1] for words in _OPEN):
        return None
    return error


def test_places(frames):
    """Of (frame, line)s those of the test's own text, in the same order."""
    return [(frame, line) for frame, line in frames if frame.f_code.co_filename == TEST_FILE]


def expected_side(node, names):
    """X of `assert candidate(...) == X`, or of `abs(candidate(...) - X) < t` and `isclose(candidate(...), X)`, which stand for it.

    The sides may be the other way round. None for every other form. Where X is itself made of calls, only who executes it can tell.
    """
    for left, right in _sides(node.test):
        for call, other in ((left, right), (right, left)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names:
                return other
    return None


def _sides(test):
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        if isinstance(test.ops[0], (ast.Eq, ast.Is)):
            yield test.left, test.comparators[0]
        # `abs(...) < limit` or `limit > abs(...)`
        difference = test.left if isinstance(test.ops[0], (ast.Lt, ast.LtE)) else test.comparators[0]
        if isinstance(test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) and _is_call_of(difference, ("abs", "fabs"), 1):
            if isinstance(difference.args[0], ast.BinOp) and isinstance(difference.args[0].op, ast.Sub):
                yield difference.args[0].left, difference.args[0].right
    elif _is_call_of(test, ("isclose",), 2):
        yield test.args[0], test.args[1]


def _implied_truth(node, names):
    """What `assert candidate(...)` and `assert not candidate(...)` expect; None for other forms."""
    test, truth = node.test, True
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, truth = test.operand, not truth
    return truth if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id in names else None


def _is_call_of(node, names, count):
    """Whether a node calls a function of one of these names, of whatever module, with this many positional arguments."""
    if not isinstance(node, ast.Call) or len(node.args) != count:
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else None
    return name in names
