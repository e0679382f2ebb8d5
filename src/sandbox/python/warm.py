"""The modules that a candidate finds loaded, so that importing them costs it nothing. Imports nothing by itself."""

# What solutions of the usual benchmarks import; `ctypes` is what the zygote needs for the last system-call filter.
MODULES = (
    "typing math re collections collections.abc itertools functools string heapq bisect random copy datetime decimal "
    "fractions statistics operator hashlib cmath array enum dataclasses abc time calendar textwrap json numbers sys os "
    "queue struct types io contextlib warnings unicodedata ctypes"
).split()


def load():
    """Loads them, whatever the isolation, so that what a program can import does not depend on that."""
    for name in MODULES:
        __import__(name)
