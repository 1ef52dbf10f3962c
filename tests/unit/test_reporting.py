"""Results go to the parent in reports that are never too large, each circuit's once and in order."""

import msgspec
import pytest

from farshot.errors import CircuitError
from farshot.model import CircuitResult, Counts, Values
from farshot.worker.reporter import MAX_RESULT_BYTES, Reporter, check_size

MEGABYTE = 2**20


def result(size):
    return CircuitResult(
        outcome=Counts(8, bytes(size), b""), simulator="x", method="y", exact=True, seed=1, shots=1, seconds=0.0
    )


@pytest.mark.parametrize("sizes", [[1] * 50, [MEGABYTE] * 20, [1, 20 * MEGABYTE, 1], [9 * MEGABYTE] * 3, []])
def test_reports_are_bounded_and_hold_every_result_once_in_order(sizes):
    sent = []
    reporter = Reporter(sent.append)
    reporter.begin(7)
    for size in sizes:
        reporter.add(result(size))
    reporter.end()
    assert [report.first for report in sent] == [
        7 + sum(before.size for before in sent[:at]) for at in range(len(sent))
    ]
    found = [msgspec.msgpack.decode(report.results, type=list[CircuitResult]) for report in sent]
    assert [len(kept.outcome.words) for part in found for kept in part] == sizes
    assert all(len(report.results) < 8.1 * MEGABYTE or report.size == 1 for report in sent)
    assert [report.last for report in sent] == [False] * (len(sent) - 1) + [True]


def test_a_result_beyond_the_limit_is_refused_with_the_numbers():
    check_size(Counts(8, bytes(MAX_RESULT_BYTES), b""))
    for outcome in (Counts(8, bytes(MAX_RESULT_BYTES), b"1"), Values((0.5,) * (MAX_RESULT_BYTES // 9 + 1))):
        with pytest.raises(CircuitError, match=r"67,108,8.*fewer shots"):
            check_size(outcome)
