"""Who wrote the comparisons of a class whose object a program returns: the interpreter, its library, dataclasses, or the program by hand.

Runs in the candidate's process, part of the describer. Nothing is taken for another's because it says so: names, files and modules of functions
and classes are the program's to write. A function is the library's where its very code stands in the library's file, and dataclasses' where they make
the same of the same fields.
"""

import _frozen_importlib_external
import _imp
import builtins
import dataclasses
import marshal
import os
import sys
import types

# A copy of its own, as a program may overwrite everyone's. Functions take it up where they are defined.
__builtins__ = dict(vars(builtins))

# Not by attribute, which a metaclass may define anew.
_BASES_OF = type.__dict__["__mro__"].__get__
_MEMBERS_OF = type.__dict__["__dict__"].__get__
_COMPARISONS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
# What a comparison written in C looks like in its class, and one that is none.
_WRITTEN_IN_C = (type(object.__eq__), type(str.join), type(None))
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_FROZEN = "<frozen "
# Of importlib.util, which nobody else needs.
_compiled_path = _frozen_importlib_external.cache_from_source
_MAGIC_NUMBER = _frozen_importlib_external.MAGIC_NUMBER
_make_dataclass = dataclasses.make_dataclass
_field = dataclasses.field
_FIELD = dataclasses._FIELD
_NOT_IMPLEMENTED = NotImplemented


def written_by_hand(kind):
    """The name of the first comparison, in the order of a class's bases, that the program wrote by hand; None where it wrote none."""
    for base in _BASES_OF(kind):
        members = _MEMBERS_OF(base)
        for name in _COMPARISONS:
            if name in members and not _is_somebody_elses(base, name, members[name]):
                return name
    return None


def _is_somebody_elses(base, name, method):
    if isinstance(method, _WRITTEN_IN_C):
        return True
    if not isinstance(method, types.FunctionType):
        return _is_a_mocks(method)
    return _is_a_dataclasses(base, name, method) or _is_the_librarys(method)


def _is_a_dataclasses(base, name, method):
    """Whether dataclasses make this very comparison for a class of these fields."""
    try:
        fields = _MEMBERS_OF(base)["__dataclass_fields__"]
        compared = [(field.name, object, _field(default=None)) for field in fields.values() if field._field_type is _FIELD and field.compare]
        theirs = _MEMBERS_OF(_make_dataclass("Same", compared, order=True))[name].__code__
        # It knows no other name but those of its fields; and this one could be another's.
        return _does_the_same(method.__code__, theirs) and _resolved(method, "NotImplemented") is _NOT_IMPLEMENTED
    except MemoryError:
        raise
    except Exception:
        return False


def _does_the_same(one, other):
    return all(getattr(one, part) == getattr(other, part) for part in ("co_code", "co_consts", "co_names", "co_varnames", "co_freevars", "co_argcount"))


def _resolved(function, name):
    space = function.__globals__
    if name in space:
        return space[name]
    outer = space.get("__builtins__")
    return (outer if isinstance(outer, dict) else vars(outer)).get(name)


def _is_the_librarys(function):
    """Whether a function's code stands in the library, and is executed among the library's names; nothing of the program's within it."""
    try:
        code = function.__code__
        # A library's wrapper may hold anybody's function.
        if code.co_freevars or not any(vars(module) is function.__globals__ for module in list(sys.modules.values()) if type(module) is types.ModuleType):
            return False
        return any(inner == code for inner in _codes_in(_library_code(code.co_filename)))
    except MemoryError:
        raise
    except Exception:
        return False


def _library_code(name):
    """The code of a library's module by its file's name. Raises where there is none."""
    if name.startswith(_FROZEN):
        return _imp.get_frozen_object(name[len(_FROZEN) : -1])
    path = os.path.normpath(name)
    if not path.startswith(_LIBRARY):
        raise ValueError(name)
    try:
        with open(_compiled_path(path), "rb") as file:
            data = file.read()
        if data[:4] == _MAGIC_NUMBER:
            return marshal.loads(data[16:])
    except OSError:
        pass  # nobody has compiled it for good
    with open(path, "rb") as file:
        return compile(file.read(), path, "exec", 0, True)


def _codes_in(code):
    """All code within a module's, in its functions and classes."""
    found = [code]
    for outer in found:
        found += [inner for inner in outer.co_consts if isinstance(inner, types.CodeType)]
    return found


def _is_a_mocks(method):
    """Whether it is what unittest's mocks have in their classes until somebody sets a comparison: by identity."""
    made = _MEMBERS_OF(type(method)).get("__get__")
    path = os.path.join(_LIBRARY, "unittest", "mock.py")
    return isinstance(made, types.FunctionType) and made.__code__.co_filename == path and _is_the_librarys(made)
