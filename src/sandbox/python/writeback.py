"""Gives the test's own objects the changes that a call made to the candidate's copies of them. Decides nothing."""

import wire


def merge(old, new):
    """Makes the test's own object look as the candidate left its copy, in place as far as the types allow."""
    kind = type(old)
    if kind is not type(new):
        return
    if kind is list:
        old[:] = _merged_items(old, new)
    elif isinstance(old, dict):
        for key in [key for key in old if key not in new]:
            del old[key]
        for key, item in new.items():
            if key in old and isinstance(item, wire.MUTABLE) and type(old[key]) is type(item):
                merge(old[key], item)
            else:
                old[key] = item
        if list(old) != list(new):
            # In the order that the candidate left.
            items = [(key, old[key]) for key in new]
            old.clear()
            old.update(items)
    elif kind is set:
        old.clear()
        old.update(new)
    elif kind is bytearray:
        old[:] = new
    elif kind is tuple:
        for before, after in zip(old, new):
            merge(before, after)
    elif hasattr(old, "clear") and hasattr(old, "extend"):
        old.clear()
        old.extend(new)


def _merged_items(old, new):
    """The items of `new`, with the test's own objects for those that the candidate moved or changed.

    The wire carries no identities. An item that looks as one did before is taken for that one, wherever it stands now, so
    that a sort leaves the rows of a matrix as they are; of the others, one that has kept its place is changed in place.
    """
    result = list(new)
    mutable = [index for index, item in enumerate(new) if isinstance(item, wire.MUTABLE)]
    if not mutable:
        return result
    unclaimed = {}
    # From the end, so that pop() takes the first of those that look alike.
    for index in range(len(old) - 1, -1, -1):
        if isinstance(old[index], wire.MUTABLE):
            unclaimed.setdefault(wire.encode(old[index]), []).append(index)
    claimed = set()
    changed = []
    for index in mutable:
        places = unclaimed.get(wire.encode(new[index]))
        if not places:
            changed.append(index)
            continue
        place = index if index in places else places[-1]
        places.remove(place)
        claimed.add(place)
        result[index] = old[place]
    for index in changed:
        if len(old) == len(new) and index not in claimed and type(old[index]) is type(new[index]):
            result[index] = old[index]
            merge(old[index], new[index])
    return result
