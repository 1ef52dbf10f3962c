"""Every number that a request of either API can hold says its bounds where it is decoded."""

import msgspec
import pytest

from farshot.service.divi_api import DIVI_ROUTES
from farshot.service.routes import ROUTES

KINDS = sorted(
    {kind for route in (*ROUTES, *DIVI_ROUTES) for kind in (route.body, route.query) if kind is not None},
    key=lambda kind: kind.__name__,
)
ANY_FLOAT = {"rows", "values"}
"""Numbers of the rows of templates: each float is one."""


def numbers(found):
    """Yield the types of numbers inside a type."""
    if isinstance(found, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        yield found
    elif isinstance(found, msgspec.inspect.UnionType):
        for each in found.types:
            yield from numbers(each)
    elif isinstance(found, msgspec.inspect.ListType):
        yield from numbers(found.item_type)
    elif isinstance(found, msgspec.inspect.DictType):
        yield from numbers(found.value_type)
    elif isinstance(found, msgspec.inspect.StructType):
        for field in found.fields:
            if field.name not in ANY_FLOAT:
                yield from numbers(field.type)


def open_ends(kind):
    return [
        (field.name, number)
        for field in msgspec.inspect.type_info(kind).fields
        if field.name not in ANY_FLOAT
        for number in numbers(field.type)
        if (number.ge is None and number.gt is None) or (number.le is None and number.lt is None)
    ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_number_has_a_least_and_a_most(kind):
    assert open_ends(kind) == []


def test_what_is_looked_at_holds_numbers():
    assert sum(len(list(numbers(msgspec.inspect.type_info(kind)))) for kind in KINDS) > 15
