"""How much one document may say: a quarter of a million members, and not one more."""

import pytest

from farshot.errors import WireError
from farshot.wire import MAX_MEMBERS, JobRequest, read_request


@pytest.mark.parametrize(
    ("name", "member"),
    [("circuits", '"{}": ""'), ("rows", '"{}": []'), ("shot_groups", "[]"), ("circuit_ham_map", "[]")],
)
def test_one_request_holds_so_many_members_and_no_more(name, member):
    opening, closing = ("{", "}") if "{}" in member else ("[", "]")

    def body(count):
        return f'{{"{name}": {opening}{",".join(map(member.format, range(count)))}{closing}}}'.encode()

    assert len(getattr(read_request(body(MAX_MEMBERS), JobRequest), name)) == MAX_MEMBERS
    with pytest.raises(WireError, match=f"{name} may hold 250,000"):
        read_request(body(MAX_MEMBERS + 1), JobRequest)


def test_names_of_parameters_are_as_few():
    names = ",".join(f'"p{number}"' for number in range(MAX_MEMBERS))
    with pytest.raises(WireError, match="template may hold"):
        read_request(f'{{"template": {{"source": "", "parameters": [{names}]}}}}'.encode(), JobRequest)
