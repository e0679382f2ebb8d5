"""What the second pass learns: every assertion of the test tried alone, and over all of them what the candidate returns.

Hears from the instrumented test (problem.py) and from the stub (execution.py); decides no outcome. The calls of an assertion are those made
while it is tried, or, where there are none, those made since the one before (`x = candidate(1); assert x == 2`).
"""

import wire
from relations import equal, relations, traits

TRIALS_MOST = 200
_NOTHING = object()


class Call:
    """One call and its answer."""

    def __init__(self, key, traits, arguments):
        # The arguments' bytes, all of them and one by one.
        self.key = key
        self.traits = traits
        self.arguments = arguments
        # Neither: it raised, or the program ended.
        self.value = _NOTHING
        # The value's bytes: what came, whatever the test then makes of it.
        self.data = None
        self.is_refused = False
        self.changes = {}


class Trials:
    """The assertions of one run of an instrumented test. `shown`: the keys of the calls that the prompt shows."""

    def __init__(self, count, shown):
        self._records = [None] * count
        self._shown = shown
        self._pending = []
        self._before = []
        self._expected = []
        self._truth = None
        self._summary = Summary()
        self.has_changed_arguments = False

    # What the stub tells

    def called(self, arguments, named, key):
        """A call begins. Returns it, for `answered`."""
        values = arguments + tuple(named.values())
        if len(self._pending) >= 2 * TRIALS_MOST:
            # A test that calls on and on without an assertion.
            del self._pending[:TRIALS_MOST]
        call = Call(key, traits(values), [wire.encode(value) for value in values])
        self._pending.append(call)
        return call

    def answered(self, call, value, changes):
        call.value = value
        call.data = wire.encode(value)
        call.changes = changes
        self.has_changed_arguments = self.has_changed_arguments or bool(changes)

    # What the instrumented test calls

    def begin(self, truth):
        """Before an assertion: what was called before belongs to it only where it calls nothing itself.

        `truth`: that of its call's value, where it asks for nothing more; else None.
        """
        self._truth = truth
        self._before = self._pending
        self._pending = []
        self._expected = []

    def expect(self, value):
        """Takes note of an expected value."""
        self._expected.append(value)

    def tried(self, index, held):
        calls = self._pending or self._before
        own = bool(self._pending)
        self._pending = []
        self._before = []
        record = self._records[index]
        if record is None:
            record = self._records[index] = {"held": True, "tries": 0, "calls": [], "relations": None, "already": True}
        record["tries"] += 1
        record["held"] = record["held"] and held
        if record["tries"] <= TRIALS_MOST:
            record["calls"] += calls
        expected = self._expected[0] if len(self._expected) == 1 else _NOTHING
        wanted = expected if self._truth is None else self._truth
        for call in calls:
            self._summary.add(call, wanted if own and len(calls) == 1 else _NOTHING)
        if not held and own and expected is not _NOTHING and calls[-1].value is not _NOTHING:
            found = _relations(calls[-1], expected)
            if found is not None:
                record["already"] = record["already"] and ("in_place" in found or _was_already(calls[-1], expected))
                # In a loop: what holds every time.
                known = record["relations"]
                record["relations"] = found if known is None else known & found

    # What came of it

    def example(self, call, expected):
        """A call outside the test: it counts for what the candidate returns."""
        self._summary.add(call, expected)

    def take_call(self):
        """The last call, taken out of those that wait for their assertion; None where it never got that far."""
        calls, self._pending = self._pending, []
        return calls[-1] if calls else None

    def held(self):
        return [record is not None and record["held"] for record in self._records]

    def returns(self):
        return self._summary.result()

    def result(self, held_unaliased=None):
        """`assertions` of the verdict. `held_unaliased`: which held where changed arguments were not written back."""
        held = self.held()
        trials = []
        for index, record in enumerate(self._records[:TRIALS_MOST]):
            unaliased = held_unaliased is not None and not held[index] and held_unaliased[index]
            trials.append(self._trial(index, record, unaliased))
        return {"total": len(held), "passed": sum(held), "trials": trials}

    def _trial(self, index, record, unaliased):
        if record is None:
            # Never reached, for instance as the program ended before.
            return {"index": index, "held": False, "visible": None, "traits": [], "relations": None}
        calls = record["calls"]
        once = record["tries"] == 1 and calls
        found = record["relations"]
        if found is not None and record["already"] and self.has_changed_arguments:
            # Sorting an empty list in place changes nothing.
            found = found | {"in_place"}
        if unaliased:
            found = (found or set()) | {"unaliased"}
        return {
            "index": index,
            "held": record["held"],
            "visible": all(call.key in self._shown for call in calls) if once else None,
            "traits": sorted(set().union(*(call.traits for call in calls))),
            "relations": None if record["held"] or found is None else sorted(found),
        }


def _relations(call, expected):
    """The relations of an answer to an expected value; None where that is no plain value."""
    try:
        wire.encode(expected)
    except wire.Unserialisable:
        return None
    found = set(relations(call.value, expected))
    if call.value is None and expected is not None and any(equal(new, expected) for new in call.changes.values()):
        found.add("in_place")
    return found


def _was_already(call, expected):
    """Whether a call that returned None was given what it should have returned, a plain value, and left it so."""
    return call.value is None and expected is not None and not call.changes and wire.encode(expected) in call.arguments


class Summary:
    """Whether all that the candidate returns is None, the same value, or one of its arguments.

    Of the calls that it answers: one that raises returns nothing, and says nothing of what the others do.
    """

    def __init__(self):
        self._first_value = None
        self._first_expected = None
        self._are_none = True
        self._are_constant = True
        self._are_arguments = True
        self._arguments_differ = False
        self._expected_differ = False
        self._first_key = None

    def add(self, call, expected):
        if call.is_refused:
            self._are_none = self._are_constant = self._are_arguments = False
        if not (self._are_none or self._are_constant or self._are_arguments):
            return
        # Whether one value could be right everywhere is the test's to say, of calls that raise as well.
        if expected is not _NOTHING and not self._expected_differ:
            self._expect(expected)
        if call.value is _NOTHING:
            return
        value = call.data
        self._are_none = self._are_none and call.value is None
        self._are_arguments = self._are_arguments and value in call.arguments
        if self._first_value is None:
            self._first_value, self._first_key = value, call.key
        self._are_constant = self._are_constant and value == self._first_value
        self._arguments_differ = self._arguments_differ or call.key != self._first_key

    def _expect(self, expected):
        try:
            expected = wire.encode(expected)
        except wire.Unserialisable:
            return
        if self._first_expected is None:
            self._first_expected = expected
        self._expected_differ = self._expected_differ or expected != self._first_expected

    def result(self):
        if self._first_value is not None and self._are_none:
            return "none"
        if not (self._arguments_differ and self._expected_differ):
            return None
        # An argument that is the same every time is a constant.
        return "constant" if self._are_constant else "argument" if self._are_arguments else None
