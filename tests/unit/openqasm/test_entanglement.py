import pytest

from farshot.openqasm.lowering import lower
from farshot.operations.entanglement import bonds

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; qubit[6] q; bit c;'
TIES = "".join(f"cx q[{qubit}], q[{qubit + 1}];" for qubit in range(5))


def bond_of(text, widest=1):
    return max(max(found, default=0) for found in bonds(lower(f"{HEAD} {text}"), widest))


@pytest.mark.parametrize(
    ("text", "bond"),
    [
        ("h q; cx q[0], q[5];", 1),
        (f"h q; {TIES}", 1),
        (f"h q; {TIES} {TIES}", 2),
        (f"h q; {TIES * 9}", 3),
        (f"h q; {TIES} swap q[2], q[3];", 3),
        ("h q; for int i in [0:9] { cx q[0], q[1]; }", 1),
        (f"h q[0]; {TIES * 9}", 1),
        (f"h q; c = measure q[0]; if (c) {{ {TIES} {TIES} }}", 2),
    ],
)
def test_bonds_grow_by_what_crosses_a_cut_up_to_its_sides_and_the_basis_states_there_are(text, bond):
    assert bond_of(text) == bond


def test_groups_that_no_gate_ties_together_count_alone():
    text = "h q; cx q[0], q[1]; cx q[2], q[3]; cx q[4], q[5];"
    assert bond_of(text, widest=2) == 0
    assert bond_of(text, widest=1) == 1
