"""The contract of a simulator, as a suite to run on your own.

Subclass `SimulatorSuite`, say in `supports` what your simulator can do, and give it `simulate` and
`expectations`. Named `Test…` the subclass is collected by pytest; `failures` runs it without:

>>> class Reversed(SimulatorSuite):
...     supports = frozenset()
...
...     def simulate(self, source, *, shots, seed):
...         return {"100": shots}
>>> print(failures(Reversed())["test_bit_order"].splitlines()[0])
qubit 0 is rightmost: impossible outcome '100' (1000 times)

What a simulator does not claim it may refuse; a wrong answer is a failure all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.testing.counts import MismatchError, check_counts, check_form
from farshot.testing.known import BIT_ORDER, CONDITIONS, GATES, MID_CIRCUIT, OPENQASM_3, VALUES, WIDE, Ability

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from farshot.testing.known import Case, ValueCase

__all__ = ["Ability", "SimulatorSuite", "failures"]

_TOLERANCE = 1e-9
_SPREAD_OUT = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[6];
creg c[6];
h q;
t q[0];
cx q[0], q[5];
measure q -> c;
"""


class SimulatorSuite:
    """What every simulator must get right, from bit order to seeds."""

    supports: frozenset[Ability] = frozenset(Ability)
    """What the simulator can do."""

    shots: int = 1000
    """How often each circuit is sampled."""

    def simulate(self, source: str, *, shots: int, seed: int) -> Mapping[str, int]:
        """Sample a circuit. Raise where the simulator refuses it."""
        raise NotImplementedError

    def expectations(self, source: str, terms: Sequence[str]) -> Sequence[float]:
        """Compute the values of Pauli strings. Raise where the simulator refuses the circuit."""
        raise NotImplementedError

    def test_bit_order(self) -> None:
        """Which character of a key is which bit."""
        self._check_all(BIT_ORDER)

    def test_gates(self) -> None:
        """What gates do."""
        self._check_all(GATES)

    def test_mid_circuit(self) -> None:
        """What happens after a measurement."""
        self._check_all(MID_CIRCUIT)

    def test_conditions(self) -> None:
        """What conditions do."""
        self._check_all(CONDITIONS)

    def test_openqasm_3(self) -> None:
        """What OpenQASM 3 adds."""
        self._check_all(OPENQASM_3)

    def test_wide_keys(self) -> None:
        """Keys that fit no machine word."""
        self._check_all(WIDE)

    def test_values(self) -> None:
        """Expectation values."""
        _raise_all(f"{case.name}: {problem}" for case in VALUES for problem in self._value_problems(case))

    def test_few_and_many_shots(self) -> None:
        """Counts are positive ints that sum to the shots, however many."""
        for shots in (1, 2, 7, 100_000):
            check_form(self.simulate(_SPREAD_OUT, shots=shots, seed=3), 6, shots)

    def test_seeds(self) -> None:
        """The same seed gives the same counts, another seed others."""
        if Ability.SEEDS not in self.supports:
            return
        first, again, other = (dict(self.simulate(_SPREAD_OUT, shots=self.shots, seed=seed)) for seed in (5, 5, 6))
        assert first == again, "the same seed gave other counts"
        assert first != other, "another seed gave the same counts"

    def test_large_seeds(self) -> None:
        """Seeds have 63 bits, and all of them count."""
        if Ability.SEEDS not in self.supports:
            return
        seeds = (7, 7 + 2**32, 7 + 2**62)
        counts = [dict(self.simulate(_SPREAD_OUT, shots=self.shots, seed=seed)) for seed in seeds]
        assert counts[0] != counts[1], "bit 32 of the seed is lost"
        assert counts[0] != counts[2], "bit 62 of the seed is lost"

    def _check_all(self, cases: Iterable[Case]) -> None:
        _raise_all(f"{case.name}: {problem}" for case in cases if (problem := self._problem(case)))

    def _problem(self, case: Case) -> str | None:
        try:
            counts = self.simulate(case.source, shots=self.shots, seed=len(case.name))
            check_counts(counts, case.distribution, self.shots)
        except MismatchError as mismatch:
            return str(mismatch)
        except Exception as error:  # noqa: BLE001 -- one circuit that raises must not hide the others
            return f"{type(error).__name__}: {error}" if case.needs <= self.supports else None
        return None

    def _value_problems(self, case: ValueCase) -> list[str]:
        try:
            values = self.expectations(case.source, list(case.values))
        except Exception as error:  # noqa: BLE001 -- one circuit that raises must not hide the others
            return [f"{type(error).__name__}: {error}"] if Ability.OBSERVABLES in self.supports else []
        pairs = zip(case.values.items(), values, strict=True)
        return [f"{term} is {got}, not {due}" for (term, due), got in pairs if not abs(got - due) < _TOLERANCE]


def _raise_all(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise MismatchError("\n".join(found))


def failures(suite: SimulatorSuite) -> dict[str, str]:
    """Run every test of `suite`; return what each one that fails says."""
    outcomes = {name: _failure(suite, name) for name in dir(suite) if name.startswith("test_")}
    return {name: said for name, said in outcomes.items() if said is not None}


def _failure(suite: SimulatorSuite, name: str) -> str | None:
    try:
        getattr(suite, name)()
    except Exception as error:  # noqa: BLE001 -- a simulator under test may raise anything
        return str(error) or type(error).__name__
    return None
