"""A problem's prompt and test, compiled, and what can be asked of their syntax. Executes neither, and knows no candidate.

Both are trusted: they come from the data set. The program never gets here.
"""

import ast
import copy

import wire
from examples import examples

TEST_FILE = "<test>"
PROMPT_FILE = "<prompt>"


class Problem:
    """A prompt and test, compiled."""

    def __init__(self, prompt, test, entry_point):
        self.prompt = _compile_prompt(prompt, entry_point)
        self.tree = _without_calls_in_messages(ast.parse(test, TEST_FILE))
        self.test = compile(self.tree, TEST_FILE, "exec", dont_inherit=True)
        self.source = test
        self.names = ("candidate", entry_point) + _parameter(self.tree)
        # An assertion of a constant (`assert True`) says nothing about the candidate.
        self.assertions = [
            node for node in ast.walk(self.tree) if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant)
        ]
        self.assertions.sort(key=lambda node: (node.lineno, node.col_offset))
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
        """The test with every assertion tried alone.

        Three functions hear of each: `__faultline_begin__(truth)`, `__faultline_expect__(value)`, which returns the value, and
        `__faultline_tried__(index, held)`.
        """
        if self._instrumented is None:
            tree = _Instrument(self.assertions, self.names).visit(copy.deepcopy(self.tree))
            self._instrumented = compile(ast.fix_missing_locations(tree), TEST_FILE, "exec", dont_inherit=True)
        return self._instrumented

    def assertion_at(self, line):
        """The innermost assertion that covers a line of the test, or None."""
        found = [node for node in self.assertions if node.lineno <= line <= node.end_lineno]
        return max(found, key=lambda node: node.lineno) if found else None


class _Instrument(ast.NodeTransformer):
    def __init__(self, assertions, names):
        self._names = names
        self._index = {(node.lineno, node.col_offset): index for index, node in enumerate(assertions)}

    def visit_Assert(self, node):
        index = self._index.get((node.lineno, node.col_offset))
        if index is None:
            return node

        def call(name, *arguments):
            return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), list(arguments), []), node)

        def tell(held):
            return ast.copy_location(ast.Expr(call("__faultline_tried__", ast.Constant(index), ast.Constant(held))), node)

        side = expected_side(node, self._names)
        if side is not None:
            node.test = _Replace(side, call("__faultline_expect__", side)).visit(node.test)
        begin = ast.copy_location(ast.Expr(call("__faultline_begin__", ast.Constant(_implied_truth(node, self._names)))), node)
        handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [tell(False)])
        return ast.copy_location(ast.Try([begin, node], [ast.copy_location(handler, node)], [tell(True)], []), node)


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
    """The prompt as a module of its own: usually the unfinished function's docstring makes it whole."""
    attempts = [prompt, prompt + "\n    pass\n"]
    cut = prompt.rfind("def " + entry_point)
    if cut >= 0:
        attempts.append(prompt[:cut])
    for attempt in attempts:
        try:
            return compile(attempt, PROMPT_FILE, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            continue
    # A prompt that is no Python by itself has nothing the test could need.
    return compile("", PROMPT_FILE, "exec")


def test_frame(error):
    """The innermost frame of the test in an exception's traceback, and its line."""
    frame = line = None
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == TEST_FILE:
            frame, line = step.tb_frame, step.tb_lineno
        step = step.tb_next
    return frame, line


def expected_side(node, names):
    """X of `assert candidate(...) == X`, or of `abs(candidate(...) - X) < t` and `isclose(candidate(...), X)`, which stand for it.

    The sides may be the other way round. None where X itself calls a candidate, and for every other form.
    """
    for left, right in _sides(node.test):
        for call, other in ((left, right), (right, left)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names and not _calls(other, names):
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


def _calls(tree, names):
    return any(isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names for node in ast.walk(tree))
