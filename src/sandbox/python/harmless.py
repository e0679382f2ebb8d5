"""What is known not to show the hash seed: syntax, builtins, methods and modules, in tables that hash_seed.py looks things up in.

It says there in what place each may stand, and what kinds of values there are. Whoever adds a name here answers: can it make a set, a hash or an
address of plain values, give one back, or call what it was not given as a function?
"""

import ast
import builtins

_STATEMENTS = (
    ast.FunctionDef, ast.Return, ast.Delete, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.While, ast.If, ast.Raise, ast.Try,
    ast.Assert, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Expr, ast.Pass, ast.Break, ast.Continue,
)  # fmt: skip
_EXPRESSIONS = (
    ast.BoolOp, ast.NamedExpr, ast.BinOp, ast.UnaryOp, ast.Lambda, ast.IfExp, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp, ast.Compare, ast.Call, ast.FormattedValue, ast.JoinedStr, ast.Constant, ast.Attribute, ast.Subscript, ast.Starred,
    ast.Name, ast.List, ast.Tuple, ast.Slice,
)  # fmt: skip
_PARTS = (ast.Module, ast.arguments, ast.arg, ast.keyword, ast.comprehension, ast.ExceptHandler, ast.alias)
# No classes: an instance's text has an address, and its methods may be called by anything. No `with`, `match`, `yield` or `async`: too few
# programs have them for what each would have to be looked through for.
NODES = frozenset(_STATEMENTS + _EXPRESSIONS + _PARTS)
CONTEXTS = frozenset(
    kind for base in (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop) for kind in base.__subclasses__()
)
SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)

# Builtins that take plain values and give one back; of some of them more below.
PLAIN_BUILTINS = frozenset(
    "abs bin bool bytearray bytes chr complex dict divmod float format hex int len list oct ord pow print range repr round slice str tuple "
    "all any max min sorted sum".split()
)
# Those that use up what is lazy.
CONSUMING_BUILTINS = frozenset("all any bytearray bytes dict list max min sorted sum tuple".split())
LAZY_BUILTINS = frozenset("enumerate filter iter map reversed zip".split())
# What says the same of a set in whatever order it is. Of these the last ones only where its members are in one order.
# (Not the least or largest: of members that cannot all be compared, such as (1, 2), (1, "a") and (5, 0), that may raise in one order alone.)
BUILTINS_OF_SETS = frozenset("all any bool len sorted sum".split())
ORDERING_BUILTINS = frozenset(("sorted", "sum"))
WITH_KEY = frozenset("max min sorted".split())
# Types that a value may be compared with; their text is their name.
TYPES = frozenset("bool bytearray bytes complex dict float frozenset int list range set str tuple".split())
# Those whose methods are called by their names (`str.lower`), and that make what a defaultdict has not.
METHOD_TYPES = frozenset("bool bytes complex dict float int list str tuple".split())
SETS = frozenset(("set", "frozenset"))
BUILTINS = frozenset(dir(builtins))
# Those that modules have, too, as functions of the same sort.
SAME_IN_MODULES = frozenset(("abs", "pow"))
# No MemoryError nor what would catch one: how much memory there is left may be another matter under another seed.
CAUGHT = frozenset(
    "ArithmeticError AssertionError AttributeError IndexError KeyError LookupError NameError NotImplementedError OverflowError RuntimeError "
    "StopIteration TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError ZeroDivisionError".split()
)
RAISED = CAUGHT | {"Exception"}

# Of values of any plain type: each gives a plain value back and leaves plain ones behind.
METHODS = frozenset(
    "capitalize casefold center count decode encode endswith expandtabs find hex index isalnum isalpha isascii isdecimal isdigit isidentifier "
    "islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind "
    "rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill "
    "append clear copy extend insert pop remove reverse "
    "fromkeys get popitem setdefault update most_common subtract total move_to_end appendleft extendleft popleft rotate "
    "as_integer_ratio bit_count bit_length conjugate from_bytes fromhex is_integer to_bytes limit_denominator quantize "
    "findall fullmatch group groupdict groups match search span start end subn sub".split()
)
# Those of them that use up what is lazy.
CONSUMING_METHODS = frozenset("extend extendleft fromkeys join subtract update".split())
LAZY_METHODS = frozenset("elements finditer items keys values".split())
DATA = frozenset("denominator imag maxlen numerator real step stop".split())
# Of sets: what makes another one, what says something of it, what changes it. No `pop`.
MAKING_SETS = frozenset("copy difference intersection symmetric_difference union".split())
OF_MEMBERS = frozenset("add discard remove".split())
OF_SETS = frozenset(
    "clear difference_update intersection_update isdisjoint issubset issuperset symmetric_difference_update update".split()
)

_ITERTOOLS = (
    "accumulate chain combinations combinations_with_replacement compress count cycle dropwhile filterfalse islice pairwise permutations product "
    "repeat starmap takewhile zip_longest"
)
_MATH = (
    "acos asin atan atan2 ceil comb copysign cos degrees dist erf exp fabs factorial floor fmod frexp fsum gamma gcd hypot isclose isfinite isinf "
    "isnan isqrt lcm ldexp lgamma log log10 log1p log2 modf perm pow prod radians remainder sin sinh sqrt tan tanh trunc cosh"
)
# What may be used of a module, by what it is: a value; a function of plain values; one that uses up what is lazy; one that is lazy itself; a
# type; what takes a function, or makes one (of `cmp_to_key` for sorting alone: what it makes has an address in its text). itertools has no groupby, which hands out iterators, and operator nothing that makes sets of views.
MEMBERS = {
    "math": {"value": "e inf nan pi tau", "consuming": _MATH},
    "string": {
        "value": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable punctuation whitespace",
        "plain": "capwords",
    },
    "sys": {"value": "maxsize"},
    "itertools": {"lazy": _ITERTOOLS},
    "functools": {"reduce": "reduce", "cache": "cache lru_cache", "key": "cmp_to_key"},
    "collections": {"type": "Counter OrderedDict deque", "defaultdict": "defaultdict"},
    "heapq": {"plain": "heapify heappop heappush heappushpop heapreplace", "consuming": "nlargest nsmallest", "lazy": "merge"},
    "bisect": {"plain": "bisect bisect_left bisect_right insort insort_left insort_right"},
    "operator": {"plain": "abs add concat contains eq floordiv ge gt le lt mod mul ne neg not_ pos truth xor", "getter": "itemgetter"},
    "re": {
        "value": "A ASCII DOTALL I IGNORECASE M MULTILINE S VERBOSE X",
        "plain": "compile escape findall fullmatch match search split sub subn",
        "lazy": "finditer",
    },
    "copy": {"plain": "copy deepcopy"},
    "decimal": {"plain": "Decimal"},
    "fractions": {"plain": "Fraction"},
}
MEMBERS = {module: {name: use for use, names in rows.items() for name in names.split()} for module, rows in MEMBERS.items()}
# Where among the arguments of what is lazy, or uses that up, a function stands.
FUNCTION_PLACES = {"map": 0, "filter": 0, "accumulate": 1, "dropwhile": 0, "filterfalse": 0, "takewhile": 0, "starmap": 0}
# Of math: what makes whole numbers of whole numbers.
WHOLE = frozenset("ceil comb factorial floor gcd isqrt lcm perm prod trunc".split())
# What annotations alone are made of; importing them does nothing.
FOR_ANNOTATIONS = frozenset(("typing", "collections.abc", "__future__", "numbers", "types"))
