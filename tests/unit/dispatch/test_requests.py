"""Who is seen to first of those who ask a dispatcher for something."""

from types import SimpleNamespace

from farshot.dispatch.requests import Add, Asked


def requests(owner, count):
    return [Add(SimpleNamespace(owner=owner)) for _ in range(count)]


def test_whoever_asks_much_waits_for_itself():
    asked, many, one = Asked(), requests("mallory", 30), requests("ann", 1)
    for request in [*many, *one]:
        asked.put(request)
    first = asked.take()
    assert any(request is one[0] for request in first)
    assert len(first) < 15
    later = []
    while len(asked):
        later += asked.take()
    taken = [id(request) for request in [*first, *later] if request is not one[0]]
    assert taken == list(map(id, many))


def test_whoever_has_gone_is_forgotten():
    asked, (gone, stays) = Asked(), requests("ann", 2)
    gone.wanted = False
    asked.put(gone)
    asked.put(stays)
    (taken,) = asked.take()
    assert taken is stays
    assert not len(asked)
