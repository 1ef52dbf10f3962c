"""The contract of a simulator, as a test suite for your own simulator.

Subclass `SimulatorSuite`, set `supports` to the abilities of your simulator, and define `simulate` and `expectations`.
If its name begins with `Test`, pytest collects the subclass; `failures` runs it without pytest:

>>> class Reversed(SimulatorSuite):
...     supports = frozenset()
...
...     def simulate(self, source, *, shots, seed):
...         return {"100": shots}
>>> print(failures(Reversed())["test_bit_order"].splitlines()[0])
qubit 0 is rightmost: impossible outcome '100' (1000 times)

A simulator may refuse circuits that require other abilities, but a wrong result is always a failure.
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
    """Tests of the contract of a simulator, from bit order to seeds."""

    supports: frozenset[Ability] = frozenset(Ability)
    """The abilities of the simulator."""

    shots: int = 1000
    """The shots of each circuit."""

    def simulate(self, source: str, *, shots: int, seed: int) -> Mapping[str, int]:
        """Return the counts of a circuit. Raise an error if the simulator refuses it."""
        raise NotImplementedError

    def expectations(self, source: str, terms: Sequence[str]) -> Sequence[float]:
        """Return the values of Pauli strings. Raise an error if the simulator refuses the circuit."""
        raise NotImplementedError

    def test_bit_order(self) -> None:
        """Each character of a key is the right bit."""
        self._check_all(BIT_ORDER)

    def test_gates(self) -> None:
        """Gates have the right effect."""
        self._check_all(GATES)

    def test_mid_circuit(self) -> None:
        """Operations after a measurement have the right effect."""
        self._check_all(MID_CIRCUIT)

    def test_conditions(self) -> None:
        """Conditions have the right effect."""
        self._check_all(CONDITIONS)

    def test_openqasm_3(self) -> None:
        """Features of OpenQASM 3 have the right effect."""
        self._check_all(OPENQASM_3)

    def test_wide_keys(self) -> None:
        """Keys may exceed a machine word."""
        self._check_all(WIDE)

    def test_values(self) -> None:
        """Expectation values are exact."""
        _raise_all(f"{case.name}: {problem}" for case in VALUES for problem in self._value_problems(case))

    def test_few_and_many_shots(self) -> None:
        """Counts are positive ints that sum to the shots."""
        for shots in (1, 2, 7, 100_000):
            check_form(self.simulate(_SPREAD_OUT, shots=shots, seed=3), 6, shots)

    def test_seeds(self) -> None:
        """The same seed gives the same counts, another seed gives others."""
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
        return [
            f"{term} is {value}, not {expected}"
            for (term, expected), value in pairs
            if not abs(value - expected) < _TOLERANCE
        ]


def _raise_all(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise MismatchError("\n".join(found))


def failures(suite: SimulatorSuite) -> dict[str, str]:
    """Run every test of `suite` and return the messages of those that fail, by name."""
    messages = {name: _failure(suite, name) for name in dir(suite) if name.startswith("test_")}
    return {name: message for name, message in messages.items() if message is not None}


def _failure(suite: SimulatorSuite, name: str) -> str | None:
    try:
        getattr(suite, name)()
    except Exception as error:  # noqa: BLE001 -- a simulator under test may raise anything
        return str(error) or type(error).__name__
    return None
