"""Insertions into a circuit's text before prism-q reads it. They move no line."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from farshot.simulators.gate_names import slice_of

if TYPE_CHECKING:
    from farshot.openqasm.facts import Scan


_PRELUDE = {
    "cu1": "gate cu1(l) a,b{p(l/2) a;cx a,b;p(-l/2) b;cx a,b;p(l/2) b;}",
    "cu3": ("gate cu3(t,f,l) c,x{p((l+f)/2) c;p((l-f)/2) x;cx c,x;U(-t/2,0,-(f+l)/2) x;cx c,x;U(t/2,f,0) x;}"),
    "c3sqrtx": "gate c3sqrtx a,b,c,d{ctrl @ ctrl @ ctrl @ sx a,b,c,d;}",
    "u0": "gate u0(g) a{id a;}",
}
"""Definitions of the library gates that prism-q lacks."""


def with_prelude(scan: Scan, end: int | None = None) -> str:
    """Return the text up to `end`, with the definitions of the library gates that prism-q lacks."""
    lacking = scan.library_gates & _PRELUDE.keys()
    if not lacking:
        return slice_of(scan, 0, end)
    prelude = "".join(_PRELUDE[name] for name in sorted(lacking))
    return scan.text[: scan.include_at] + prelude + slice_of(scan, scan.include_at, end)


def joined(scan: Scan) -> str:
    """Return the text with all qubits coupled by pairs of CX that cancel.

    prism-q splits a circuit into blocks of qubits that no gate couples, and loses the order of measurements in
    different blocks. The couplings make it one block.
    """
    qubits = [
        qubit
        for name, size in scan.qubit_names
        for qubit in ([f"{name}[{index}]" for index in range(size)] if size else [name])
    ]
    couplings = "".join(f"CX {first},{second};CX {first},{second};" for first, second in pairwise(qubits))
    return with_prelude(scan, scan.body_from) + couplings + slice_of(scan, scan.body_from)
