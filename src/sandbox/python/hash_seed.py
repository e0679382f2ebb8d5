"""Whether the hash seed can show in what a program computes, by its text and by what its calls were given. Executes nothing of it.

Of Python's values only sets have an order that follows hashes: a dict keeps the order in which keys came. What tells a hash itself are
`hash` and what lies at an address (`id`, the text of functions, iterators and objects), as the seed moves what lies in memory. So the seed
cannot show where sets are only asked what does not depend on their order, and where nothing else can make one or tell an address.

That is shown by what is known to be harmless, never by what is known to show: a node, name, attribute or module that is not listed
(harmless.py) may show it. `True` costs two more executions, a wrong `False` a wrong result. Every expression is of one kind:

  plain     numbers, texts, containers of plain values, exceptions, patterns: what stands nowhere but here may be stored, passed and returned
  set       may stay in names that hold nothing else, be asked what is in it or how large it is, be compared, combined and sorted
  lazy      iterators, generators and views of dicts (whose operators make sets): only where they are used up at once
  function  only called, and passed to what is known to call it
  module    only followed by a listed member

A name's kind is that of all that is bound to it anywhere in the program, in whatever scope. So what a function takes, gives back or keeps in a
container is plain, and nothing has to be followed from call to call.
"""

import ast
import collections
import decimal
import re
import string
import warnings

from harmless import (
    BUILTINS,
    BUILTINS_OF_SETS,
    CAUGHT,
    CONSUMING_BUILTINS,
    CONSUMING_METHODS,
    CONTEXTS,
    DATA,
    FOR_ANNOTATIONS,
    FUNCTION_PLACES,
    LAZY_BUILTINS,
    LAZY_METHODS,
    MAKING_SETS,
    MEMBERS,
    METHODS,
    METHOD_TYPES,
    NODES,
    OF_MEMBERS,
    OF_SETS,
    ORDERING_BUILTINS,
    PLAIN_BUILTINS,
    RAISED,
    SAME_IN_MODULES,
    SETS,
    SET_OPERATORS,
    TYPES,
    WHOLE,
    WITH_KEY,
)
from warm import MODULES

# Longer and deeper than programs of benchmarks are; what is beyond is not looked at.
_TEXT_MOST = 20000
_DEPTH_MOST = 120
# In how many steps the kind of a name may follow from those of others.
_STEPS_MOST = 4

PLAIN, SET, LAZY, FUNCTION, MODULE, MEMBER = "plain", "set", "lazy", "function", "module", "member"

# Bytes that stand in what was sent where it holds sets, types or defaultdicts, or (later ones) floats, complex numbers or decimals: wire.py's tags.
_TAGS = re.compile(b"[SZkudcm]")
_CONTAINERS = (list, tuple, collections.deque)
_DICTS = (dict, collections.Counter, collections.OrderedDict, collections.defaultdict)
# What a defaultdict may make: no set, and nothing whose text has an address.
_FACTORIES = (None, int, float, str, list, dict, tuple, bool)


class Given:
    """What the calls of a test gave a program, as far as it matters here."""

    __slots__ = ("has_hashed", "has_floats")

    def __init__(self):
        # Sets, whose order the program could see, and types, by which it could make some.
        self.has_hashed = False
        # Whose nan is in no order with anything.
        self.has_floats = False

    def look(self, arguments, named, payload):
        """Takes in one call's arguments; `payload` is what wire.py made of them, so they hold no cycles."""
        if _TAGS.search(payload) is not None and not self.has_hashed:
            self._look([arguments, named])

    def _look(self, values):
        # A container may stand in many places of one that grew from it.
        seen = set()
        while values:
            value = values.pop()
            kind = type(value)
            if kind in _CONTAINERS or kind in _DICTS:
                if id(value) in seen:
                    continue
                seen.add(id(value))
            if kind in _CONTAINERS:
                values.extend(value)
            elif kind in _DICTS:
                values.extend(value)
                values.extend(value.values())
                if kind is collections.defaultdict and value.default_factory not in _FACTORIES:
                    self.has_hashed = True
            elif kind in (set, frozenset) or isinstance(value, type):
                self.has_hashed = True
            elif kind in (float, complex, decimal.Decimal):
                self.has_floats = True


def may_show(program, given, has_raised):
    """Whether the hash seed may show in what `program` answered to the calls that `given` has seen. `has_raised`: one of them raised."""
    if given.has_hashed or len(program) > _TEXT_MOST:
        return True
    try:
        with warnings.catch_warnings():
            # Of doubtful escapes: on standard error they would be taken for the judge's own words.
            warnings.simplefilter("ignore")
            tree = ast.parse(program)
        look = _Program(tree)
    except (_MayShow, SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    # Sorting puts the members of a set into one order, but for nan; what members that cannot be compared raise names one of them first.
    return look.orders_sets and (look.makes_floats or given.has_floats or look.names_exceptions or has_raised)


class _MayShow(Exception):
    """Something that is not known to be harmless."""


class _Program:
    """Looks through a program once; raises _MayShow. `orders_sets`: sets are sorted or summed up.
    `makes_floats`: a number that is not whole may come into being. `names_exceptions`: what was raised is looked at."""

    def __init__(self, tree):
        self.orders_sets = self.makes_floats = self.names_exceptions = False
        # name: what is bound to it, each a kind or, of assignments and the like, the value's node
        self._bound = {}
        self._kinds = {}
        self._collect(tree)
        self._find_kinds()
        self._block(tree.body)

    # What is bound to which name

    def _collect(self, tree):
        assigned = set()
        level = [tree]
        for _ in range(_DEPTH_MOST):
            below = []
            for node in level:
                kind = type(node)
                if kind is ast.Name:
                    if type(node.ctx) is ast.Store and id(node) not in assigned:
                        self._bind(node.id, PLAIN)
                    continue
                if kind is ast.Constant:
                    self.makes_floats = self.makes_floats or type(node.value) in (float, complex)
                    continue
                if kind in CONTEXTS:
                    continue
                if kind not in NODES:
                    raise _MayShow(kind.__name__)
                if kind is ast.Assign or kind is ast.AnnAssign or kind is ast.NamedExpr:
                    for target in node.targets if kind is ast.Assign else [node.target]:
                        if type(target) is ast.Name:
                            assigned.add(id(target))
                            if node.value is not None:
                                self._bind(target.id, node.value)
                elif kind is ast.AugAssign:
                    # What a name holds has to come from elsewhere.
                    assigned.add(id(node.target))
                    self._count_operator(node.op, node.value)
                elif kind is ast.BinOp:
                    self._count_operator(node.op, node.right)
                elif kind is ast.FunctionDef:
                    self._bind(node.name, FUNCTION)
                elif kind is ast.arg:
                    self._bind(node.arg, PLAIN)
                elif kind is ast.ExceptHandler and node.name is not None:
                    self._bind(node.name, PLAIN)
                    self.names_exceptions = True
                elif kind is ast.Import:
                    for alias in node.names:
                        name = alias.name if alias.asname else alias.name.split(".")[0]
                        self._bind(alias.asname or name, (MODULE, name))
                elif kind is ast.ImportFrom:
                    for alias in node.names:
                        self._bind(alias.asname or alias.name, (MEMBER, node.module, alias.name))
                below.extend(ast.iter_child_nodes(node))
            if not below:
                return
            level = below
        raise _MayShow("nested too deep")

    def _bind(self, name, what):
        # `__builtins__` says what all other names mean.
        if name.startswith("__"):
            raise _MayShow(name)
        self._bound.setdefault(name, []).append(what)

    def _count_operator(self, operator, right):
        kind = type(operator)
        if kind is ast.Div or (kind is ast.Pow and not (type(right) is ast.Constant and type(right.value) is int)):
            self.makes_floats = True

    def _find_kinds(self):
        kinds = self._kinds
        open_names = []
        for name, bound in self._bound.items():
            first = bound[0]
            if any(type(one) is tuple for one in bound):
                if any(one != first for one in bound):
                    raise _MayShow("%s is bound to several things" % name)
                kinds[name] = first
            elif all(one is FUNCTION or type(one) is ast.Lambda for one in bound):
                kinds[name] = FUNCTION
            else:
                kinds[name] = PLAIN
                if all(isinstance(one, ast.expr) for one in bound):
                    open_names.append((name, bound))
        for _ in range(_STEPS_MOST):
            has_changed = False
            for name, bound in open_names:
                if kinds[name] is PLAIN:
                    shapes = {self._shape(value) for value in bound}
                    if len(shapes) == 1 and not shapes & {PLAIN, FUNCTION}:
                        kinds[name] = shapes.pop()
                        has_changed = True
            if not has_changed:
                break
        for name, kind in kinds.items():
            # In a scope that does not bind it, it is the builtin: one that is only stored tells nothing, and a plain name is never called.
            if name in BUILTINS and (kind is not PLAIN or name in SETS) and name not in SAME_IN_MODULES:
                raise _MayShow(name)

    def _kind(self, name):
        """Of a name as the program binds it; None for one that it does not bind."""
        return self._kinds.get(name)

    def _builtin(self, node, names):
        """Whether a node is the name of one of these builtins, which the program binds nowhere."""
        return type(node) is ast.Name and node.id in names and node.id not in self._kinds

    def _use(self, node):
        """(member, what it is) of a node that is a module's listed member; (None, None) else."""
        if type(node) is ast.Name:
            kind = self._kind(node.id)
            if type(kind) is tuple and kind[0] is MEMBER:
                return kind[2], MEMBERS.get(kind[1], {}).get(kind[2])
        elif type(node) is ast.Attribute and type(node.value) is ast.Name:
            kind = self._kind(node.value.id)
            if type(kind) is tuple and kind[0] is MODULE:
                return node.attr, MEMBERS.get(kind[1], {}).get(node.attr)
        return None, None

    def _is_chain(self, node):
        """Whether a node is `chain.from_iterable`."""
        return type(node) is ast.Attribute and node.attr == "from_iterable" and self._use(node.value) == ("chain", "lazy")

    def _shape(self, node):
        """The kind that an expression has, if it is harmless."""
        kind = type(node)
        if kind is ast.Name:
            named = self._kind(node.id)
            return named if named in (SET, LAZY, FUNCTION) else PLAIN
        if kind is ast.Call:
            function = node.func
            if type(function) is ast.Name and function.id not in self._kinds:
                return SET if function.id in SETS else LAZY if function.id in LAZY_BUILTINS else PLAIN
            if self._use(function)[1] == "lazy" or self._is_chain(function):
                return LAZY
            if type(function) is ast.Attribute:
                if function.attr in LAZY_METHODS:
                    return LAZY
                if function.attr in MAKING_SETS and self._shape(function.value) is SET:
                    return SET
            return PLAIN
        if kind is ast.Set or kind is ast.SetComp:
            return SET
        if kind is ast.GeneratorExp:
            return LAZY
        if kind is ast.BinOp and isinstance(node.op, SET_OPERATORS):
            return SET if SET in (self._shape(node.left), self._shape(node.right)) else PLAIN
        if kind is ast.IfExp:
            return SET if self._shape(node.body) is self._shape(node.orelse) is SET else PLAIN
        return FUNCTION if kind is ast.Lambda else PLAIN

    # Statements

    def _block(self, statements):
        for statement in statements:
            _STATEMENT_RULES[type(statement)](self, statement)

    def _function_def(self, node):
        if getattr(node, "type_params", None) or self._kind(node.name) is not FUNCTION:
            raise _MayShow("a function of another kind")
        for decorator in node.decorator_list:
            if type(decorator) is ast.Call:
                self._arguments(decorator, self._plain)
                decorator = decorator.func
            if self._use(decorator)[1] != "cache":
                raise _MayShow("a decorator")
        self._parameters(node.args)
        self._annotation(node.returns)
        self._block(node.body)

    def _parameters(self, args):
        for default in args.defaults + args.kw_defaults:
            if default is not None:
                self._plain(default)
        for arg in args.posonlyargs + args.args + args.kwonlyargs + [args.vararg, args.kwarg]:
            if arg is not None:
                # A parameter's name stands for nothing else.
                if self._kind(arg.arg) is not PLAIN:
                    raise _MayShow("a parameter of another kind")
                self._annotation(arg.annotation)

    def _annotation(self, node):
        """What is computed without a call, and then only kept where no program that is looked through finds it."""
        if node is None:
            return
        for part in ast.walk(node):
            allowed = (ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Constant, ast.BitOr, ast.Load)
            if type(part) not in allowed and not (type(part) is ast.BinOp and type(part.op) is ast.BitOr):
                raise _MayShow("an annotation")

    def _return(self, node):
        if node.value is not None:
            self._plain(node.value)

    def _delete(self, node):
        for target in node.targets:
            self._store(target)

    def _assign(self, node):
        shape = self._shape(node.value)
        for target in node.targets:
            if type(target) is ast.Name:
                self._assign_name(target, node.value, shape)
            else:
                # Taking apart uses up what is lazy.
                self._iterable(node.value) if type(target) in (ast.Tuple, ast.List) else self._plain(node.value)
                self._store(target)

    def _assign_name(self, target, value, shape):
        if self._kind(target.id) is not shape:
            raise _MayShow("a name of several kinds")
        self._of_kind(value, shape)

    def _of_kind(self, value, kind):
        if kind is SET:
            self._set(value)
        elif kind is LAZY:
            self._lazy(value)
        elif kind is FUNCTION:
            self._lambda(value)
        else:
            self._plain(value)

    def _ann_assign(self, node):
        self._annotation(node.annotation)
        if node.value is None:
            return
        if type(node.target) is ast.Name:
            self._assign_name(node.target, node.value, self._shape(node.value))
        else:
            self._plain(node.value)
            self._store(node.target)

    def _aug_assign(self, node):
        target = node.target
        if type(target) is ast.Name and self._kind(target.id) is SET:
            if not isinstance(node.op, SET_OPERATORS):
                raise _MayShow("an operator on a set")
            self._set(node.value)
            return
        if type(target) is ast.Name and self._kind(target.id) is not PLAIN:
            raise _MayShow("a name of several kinds")
        self._store(target)
        # A list takes in what is lazy; other operators would make sets of views.
        self._iterable(node.value) if type(node.op) is ast.Add else self._plain(node.value)

    def _for(self, node):
        self._iterable(node.iter)
        self._store(node.target)
        self._block(node.body)
        self._block(node.orelse)

    def _while(self, node):
        self._truth(node.test)
        self._block(node.body)
        self._block(node.orelse)

    def _raise(self, node):
        if node.exc is not None and not self._builtin(node.exc, RAISED):
            self._plain(node.exc)
        if node.cause is not None and not self._builtin(node.cause, RAISED):
            self._plain(node.cause)

    def _try(self, node):
        # A `finally` may catch whatever it is that was raised.
        if node.finalbody:
            raise _MayShow("finally")
        for handler in node.handlers:
            caught = handler.type.elts if type(handler.type) is ast.Tuple else [handler.type]
            if not all(self._builtin(one, CAUGHT) for one in caught):
                raise _MayShow("an exception")
            self._block(handler.body)
        self._block(node.body)
        self._block(node.orelse)

    def _assert(self, node):
        self._truth(node.test)
        if node.msg is not None:
            self._plain(node.msg)

    def _import(self, node):
        for alias in node.names:
            # What is loaded already: importing it does nothing.
            if alias.name not in MODULES:
                raise _MayShow(alias.name)

    def _import_from(self, node):
        if node.level or node.module not in FOR_ANNOTATIONS:
            if node.level or not all(alias.name in MEMBERS.get(node.module, ()) for alias in node.names):
                raise _MayShow(node.module)
        elif any(alias.name == "*" for alias in node.names):
            raise _MayShow("*")

    def _nothing(self, node):
        pass

    def _expr(self, node):
        self._any(node.value)

    # Targets

    def _store(self, node):
        kind = type(node)
        if kind is ast.Name:
            if self._kind(node.id) not in (PLAIN, SET, LAZY) or (type(node.ctx) is ast.Store and self._kind(node.id) is not PLAIN):
                raise _MayShow("a name of several kinds")
        elif kind is ast.Tuple or kind is ast.List:
            for element in node.elts:
                self._store(element)
        elif kind is ast.Starred:
            self._store(node.value)
        elif kind is ast.Subscript:
            self._plain(node.value)
            self._plain(node.slice)
        else:
            raise _MayShow("a target")

    # Expressions

    def _plain(self, node):
        rule = _PLAIN_RULES.get(type(node))
        if rule is None:
            raise _MayShow(type(node).__name__)
        rule(self, node)

    def _iterable(self, node):
        """What is used up here, or plain."""
        self._lazy(node) if self._shape(node) is LAZY else self._plain(node)

    def _any(self, node):
        """Where neither order nor address matters: the truth of it, what it is equal to, what is in it."""
        shape = self._shape(node)
        if shape is SET:
            self._set(node)
        elif shape is LAZY:
            self._lazy(node)
        else:
            self._plain(node)

    def _truth(self, node):
        if type(node) is ast.BoolOp:
            for value in node.values:
                self._truth(value)
        elif type(node) is ast.UnaryOp and type(node.op) is ast.Not:
            self._truth(node.operand)
        else:
            self._any(node)

    def _constant(self, node):
        pass

    def _name(self, node):
        kind = self._kind(node.id)
        # `__name__`, which nobody binds, is the same text everywhere.
        if kind is not PLAIN and node.id != "__name__":
            raise _MayShow(node.id)

    def _elements(self, node):
        for element in node.elts:
            self._element(element)

    def _element(self, node):
        """What may have a star, which uses up what is lazy."""
        self._iterable(node.value) if type(node) is ast.Starred else self._plain(node)

    def _dict(self, node):
        for key, value in zip(node.keys, node.values):
            if key is not None:
                self._plain(key)
            self._plain(value)

    def _bin_op(self, node):
        if self._shape(node) is not PLAIN:
            raise _MayShow("a set")
        self._plain(node.left)
        self._plain(node.right)

    def _unary_op(self, node):
        self._truth(node.operand) if type(node.op) is ast.Not else self._plain(node.operand)

    def _bool_op(self, node):
        for value in node.values:
            self._plain(value)

    def _if_exp(self, node):
        self._truth(node.test)
        self._plain(node.body)
        self._plain(node.orelse)

    def _named_expr(self, node):
        if self._kind(node.target.id) is not PLAIN:
            raise _MayShow("a name of several kinds")
        self._plain(node.value)

    def _joined_str(self, node):
        for value in node.values:
            self._plain(value)

    def _formatted_value(self, node):
        self._plain(node.value)
        if node.format_spec is not None:
            self._plain(node.format_spec)

    def _subscript(self, node):
        self._plain(node.value)
        self._plain(node.slice)

    def _slice(self, node):
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self._plain(part)

    def _attribute(self, node):
        member, use = self._use(node)
        if use == "value":
            self._count_member(member)
        elif member is None and node.attr in DATA:
            self._plain(node.value)
        else:
            raise _MayShow(node.attr)

    def _count_member(self, member):
        # Of math; whole numbers have other names elsewhere, too.
        if member in ("e", "inf", "nan", "pi", "tau", "Decimal", "Fraction"):
            self.makes_floats = True

    def _compare(self, node):
        operands = [node.left] + node.comparators
        if any(self._is_type_call(operand) for operand in operands):
            for operand in operands:
                self._type(operand)
            return
        for left, operator, right in zip(operands, node.ops, operands[1:]):
            if isinstance(operator, (ast.In, ast.NotIn)):
                self._plain(left)
            else:
                self._any(left)
            self._any(right)

    def _is_type_call(self, node):
        return type(node) is ast.Call and self._builtin(node.func, ("type",))

    def _type(self, node):
        """What a type is compared with, or tried against: by itself it tells nothing."""
        if self._is_type_call(node):
            if len(node.args) != 1 or node.keywords:
                raise _MayShow("type")
            self._plain(node.args[0])
        elif type(node) in (ast.Tuple, ast.List):
            for element in node.elts:
                self._type(element)
        elif not self._builtin(node, TYPES):
            raise _MayShow("a type")

    def _comprehension(self, node):
        for generator in node.generators:
            if generator.is_async:
                raise _MayShow("async")
            self._iterable(generator.iter)
            self._store(generator.target)
            for condition in generator.ifs:
                self._truth(condition)
        if type(node) is ast.DictComp:
            self._plain(node.key)
            self._plain(node.value)
        else:
            self._plain(node.elt)

    # Sets and what is lazy

    def _set(self, node):
        """Any expression of the kind: members are plain, and come in an order that the seed does not change."""
        if self._shape(node) is not SET:
            raise _MayShow("no set")
        kind = type(node)
        if kind is ast.Set:
            self._elements(node)
        elif kind is ast.SetComp:
            self._comprehension(node)
        elif kind is ast.BinOp:
            self._set(node.left)
            self._set(node.right)
        elif kind is ast.IfExp:
            self._truth(node.test)
            self._set(node.body)
            self._set(node.orelse)
        elif kind is ast.Call:
            if node.keywords:
                raise _MayShow("a set's keywords")
            if type(node.func) is ast.Attribute:
                self._set(node.func.value)
            for argument in node.args:
                self._any(argument)

    def _lazy(self, node):
        kind = type(node)
        if kind is ast.GeneratorExp:
            self._comprehension(node)
        elif kind is ast.Call:
            function = node.func
            if type(function) is ast.Name and function.id in LAZY_BUILTINS:
                if function.id == "iter" and len(node.args) != 1:
                    raise _MayShow("iter")
                self._arguments(node, self._iterable, FUNCTION_PLACES.get(function.id))
            elif self._is_chain(function):
                self._arguments(node, self._iterable)
            elif self._use(function)[1] == "lazy":
                name = self._use(function)[0]
                # `repeat` hands out what it was given.
                self._arguments(node, self._plain if name == "repeat" else self._iterable, FUNCTION_PLACES.get(name), ("func", "key"))
            else:
                self._plain(function.value)
                self._arguments(node, self._plain)

    # Functions and calls

    def _arguments(self, node, rule, function_place=None, function_keywords=(), used_up=None):
        """Checks a call's arguments by `rule`, but for those that are functions, and for the one at the place `used_up`, which may be lazy."""
        for place, argument in enumerate(node.args):
            if type(argument) is ast.Starred:
                if function_place is not None and place <= function_place:
                    raise _MayShow("a starred function")
                self._iterable(argument.value)
            elif place == function_place:
                self._function(argument)
            elif place == used_up:
                self._iterable(argument)
            else:
                rule(argument)
        for keyword in node.keywords:
            if keyword.arg not in function_keywords:
                self._plain(keyword.value)
            elif type(keyword.value) is ast.Call and keyword.arg == "key" and self._use(keyword.value.func)[1] == "key":
                self._arguments(keyword.value, self._function)
            else:
                self._function(keyword.value)

    def _lambda(self, node):
        self._parameters(node.args)
        self._plain(node.body)

    def _function(self, node):
        """What is going to be called with plain values, and gives plain ones back; or None."""
        kind = type(node)
        if kind is ast.Lambda:
            self._lambda(node)
        elif kind is ast.Name and self._kind(node.id) is FUNCTION:
            pass
        elif kind is ast.Constant and node.value is None:
            pass
        elif kind is ast.Name and node.id not in self._kinds:
            if node.id not in PLAIN_BUILTINS:
                raise _MayShow(node.id)
            self._count_builtin(node.id)
        elif kind is ast.Call and self._use(node.func)[1] == "getter":
            self._arguments(node, self._plain)
        elif self._use(node)[1] in ("plain", "consuming", "type"):
            self._count_function(node)
        elif kind is ast.Attribute and node.attr in METHODS:
            # A method of a plain value, such as `counts.get`.
            self._receiver(node.value)
        else:
            raise _MayShow("a function")

    def _receiver(self, node):
        if not self._builtin(node, METHOD_TYPES):
            self._plain(node)
        else:
            self._count_builtin(node.id)

    def _count_builtin(self, name):
        if name in ("complex", "float", "pow"):
            self.makes_floats = True

    def _count_function(self, node):
        member, use = self._use(node)
        is_number = use == "consuming" and member not in WHOLE and member not in ("nlargest", "nsmallest")
        if is_number or member in ("Decimal", "Fraction"):
            self.makes_floats = True

    def _call(self, node):
        function = node.func
        if self._shape(node) is not PLAIN:
            raise _MayShow("a set or what is lazy")
        if type(function) is ast.Name and self._kind(function.id) is FUNCTION:
            self._arguments(node, self._plain)
        elif type(function) is ast.Name and function.id not in self._kinds:
            self._call_builtin(node, function.id)
        elif self._use(function)[1] is not None:
            self._call_member(node)
        elif type(function) is ast.Attribute:
            self._call_method(node, function)
        else:
            raise _MayShow("a call")

    def _call_builtin(self, node, name):
        first = node.args[0] if node.args else None
        if name in BUILTINS_OF_SETS and len(node.args) == 1 and self._shape(self._inner_set(name, first)) is SET:
            # Not by a key, under which different members may be equal.
            if any(keyword.arg != "reverse" for keyword in node.keywords):
                raise _MayShow("a set's order")
            self._set(self._inner_set(name, first))
            for keyword in node.keywords:
                self._plain(keyword.value)
            self.orders_sets = self.orders_sets or name in ORDERING_BUILTINS
        elif name in PLAIN_BUILTINS:
            self._count_builtin(name)
            if name == "print" and any(keyword.arg not in ("sep", "end", "flush") for keyword in node.keywords):
                raise _MayShow("print")
            # The first alone is used up: others may be what comes back, as the least of several is.
            uses_up = name in CONSUMING_BUILTINS and (len(node.args) == 1 or name == "sum")
            rule = self._any if name in ("bool", "len") else self._plain
            self._arguments(node, rule, None, ("key",) if name in WITH_KEY else (), 0 if uses_up else None)
        elif name == "next" and 1 <= len(node.args) <= 2 and not node.keywords:
            self._iterable(node.args[0])
            for argument in node.args[1:]:
                self._plain(argument)
        elif name == "isinstance" and len(node.args) == 2 and not node.keywords:
            self._plain(node.args[0])
            self._type(node.args[1])
        elif name in RAISED:
            self._arguments(node, self._plain)
        else:
            raise _MayShow(name)

    def _inner_set(self, name, node):
        """The set that is sorted: a list or tuple of it may be made for that."""
        if name == "sorted" and type(node) is ast.Call and len(node.args) == 1 and not node.keywords and self._builtin(node.func, ("list", "tuple")):
            return node.args[0]
        return node

    def _call_member(self, node):
        member, use = self._use(node.func)
        if use in ("plain", "consuming", "type"):
            self._count_function(node.func)
            # `sub` may be given a function for what is put in place.
            if member in ("sub", "subn") and len(node.args) > 1 and type(node.args[1]) is ast.Lambda:
                self._arguments(node, self._plain, 1)
            else:
                # What counts or keeps its keywords has no key to sort by.
                self._arguments(node, self._plain if use == "plain" else self._iterable, None, () if use == "type" else ("key",))
        elif use == "reduce":
            self._arguments(node, self._plain, 0, (), 1)
        elif use == "defaultdict":
            # A function that makes what is missing would stand in its text, with its address.
            if node.args and not self._builtin(node.args[0], METHOD_TYPES) and not (self._use(node.args[0])[1] == "type"):
                raise _MayShow("defaultdict")
            self._arguments(node, self._iterable, 0)
        else:
            raise _MayShow(member)

    def _call_method(self, node, function):
        name = function.attr
        if self._shape(function.value) is SET:
            self._set(function.value)
            if name not in OF_MEMBERS and name not in OF_SETS:
                raise _MayShow(name)
            if node.keywords or any(type(argument) is ast.Starred for argument in node.args):
                raise _MayShow(name)
            for argument in node.args:
                self._plain(argument) if name in OF_MEMBERS else self._any(argument)
            return
        self._receiver(function.value)
        if name == "format":
            if not (type(function.value) is ast.Constant and type(function.value.value) is str and _is_plain_format(function.value.value)):
                raise _MayShow("format")
            self._arguments(node, self._plain)
        elif name == "sort":
            self._arguments(node, self._plain, None, ("key",))
        elif name in METHODS:
            self._arguments(node, self._plain, None, (), 0 if name in CONSUMING_METHODS else None)
        else:
            raise _MayShow(name)


def _is_plain_format(text):
    """Whether a text for `format` looks at its values alone, not at what hangs on them."""
    try:
        for _, field, spec, _ in string.Formatter().parse(text):
            if field is not None and ("." in field or "[" in field):
                return False
            if spec and not _is_plain_format(spec):
                return False
    except ValueError:
        return False
    return True


_STATEMENT_RULES = {
    ast.FunctionDef: _Program._function_def,
    ast.Return: _Program._return,
    ast.Delete: _Program._delete,
    ast.Assign: _Program._assign,
    ast.AugAssign: _Program._aug_assign,
    ast.AnnAssign: _Program._ann_assign,
    ast.For: _Program._for,
    ast.While: _Program._while,
    ast.If: _Program._while,
    ast.Raise: _Program._raise,
    ast.Try: _Program._try,
    ast.Assert: _Program._assert,
    ast.Import: _Program._import,
    ast.ImportFrom: _Program._import_from,
    ast.Global: _Program._nothing,
    ast.Nonlocal: _Program._nothing,
    ast.Expr: _Program._expr,
    ast.Pass: _Program._nothing,
    ast.Break: _Program._nothing,
    ast.Continue: _Program._nothing,
}
# Sets, generators and lambdas have none: they are nothing plain.
_PLAIN_RULES = {
    ast.Constant: _Program._constant,
    ast.Name: _Program._name,
    ast.List: _Program._elements,
    ast.Tuple: _Program._elements,
    ast.Dict: _Program._dict,
    ast.BinOp: _Program._bin_op,
    ast.UnaryOp: _Program._unary_op,
    ast.BoolOp: _Program._bool_op,
    ast.IfExp: _Program._if_exp,
    ast.NamedExpr: _Program._named_expr,
    ast.JoinedStr: _Program._joined_str,
    ast.FormattedValue: _Program._formatted_value,
    ast.Subscript: _Program._subscript,
    ast.Slice: _Program._slice,
    ast.Attribute: _Program._attribute,
    ast.Compare: _Program._compare,
    ast.ListComp: _Program._comprehension,
    ast.DictComp: _Program._comprehension,
    ast.Call: _Program._call,
}
