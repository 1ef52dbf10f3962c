"""What is written into a circuit's text before prism-q reads it. No line is moved."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from farshot.simulators.gate_names import slice_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.openqasm.facts import Scan


PRELUDE = {
    "cu1": "gate cu1(l) a,b{p(l/2) a;cx a,b;p(-l/2) b;cx a,b;p(l/2) b;}",
    "cu3": ("gate cu3(t,f,l) c,x{p((l+f)/2) c;p((l-f)/2) x;cx c,x;U(-t/2,0,-(f+l)/2) x;cx c,x;U(t/2,f,0) x;}"),
    "c3sqrtx": "gate c3sqrtx a,b,c,d{ctrl @ ctrl @ ctrl @ sx a,b,c,d;}",
    "u0": "gate u0(g) a{id a;}",
}
"""The library gates that prism-q lacks, in terms of those that it has."""


def with_prelude(scan: Scan, end: int | None = None) -> str:
    """Return the text up to `end`, with the definitions of the library gates that prism-q lacks."""
    lacking = scan.library_gates & PRELUDE.keys()
    if not lacking:
        return slice_of(scan, 0, end)
    prelude = "".join(PRELUDE[name] for name in sorted(lacking))
    return scan.text[: scan.include_at] + prelude + slice_of(scan, scan.include_at, end)


def joined(scan: Scan) -> str:
    """Return the text with all qubits tied together by pairs of CX that cancel.

    prism-q splits a circuit into blocks of qubits that no gate ties together, and loses the order of
    measurements in different blocks. Ties make it one block.
    """
    return with_prelude(scan, scan.body_from) + "".join(_ties(scan)) + slice_of(scan, scan.body_from)


def _ties(scan: Scan) -> Iterator[str]:
    for first, second in pairwise(_qubits(scan)):
        yield f"CX {first},{second};CX {first},{second};"


def _qubits(scan: Scan) -> Iterator[str]:
    for name, size in scan.qubit_names:
        if size:
            yield from (f"{name}[{index}]" for index in range(size))
        else:
            yield name
