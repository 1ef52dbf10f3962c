"""Circuits that are ready to run: parsed ones, and parsed templates with their angles.

Between parsing and running, prism-q fuses gates. For a template it can keep how it does that, as a plan. With a plan
it multiplies some gates in another order, so that probabilities differ by what rounding makes of that.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from prism_q import PreparedCircuit, PrismError, parse_qasm_parametric, simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prism_q import Circuit, RunOutcome


_PHASE = re.compile(r"cx ([^,;]+), ?([^;]+);\s*rz(\([^;]+\)) \2;\s*cx \1, ?\2;")
"""What prism-q fuses to one rzz, but has no plan for."""
_UNCLEAR = ("//", "/*", "{")
_ROUNDING = 1e-13
_RUNS_PER_PLAN = 30
"""A plan costs as much as about so many runs save with it."""


@dataclass(frozen=True, slots=True)
class ParsedCircuit:
    """A circuit that was parsed."""

    circuit: Circuit

    def run(self) -> RunOutcome:
        """Run it by the means that prism-q chooses."""
        return simulate(self.circuit).run()


@dataclass(frozen=True, slots=True)
class BoundCircuit:
    """A parsed template with angles."""

    template: ParsedTemplate
    angles: Sequence[float]

    @property
    def circuit(self) -> Circuit:
        """What parsing the text with these angles makes."""
        return self.template.bind(self.angles)

    def run(self) -> RunOutcome:
        """Run it, with a plan where there is one."""
        return self.template.run(self.angles)


Ready: TypeAlias = ParsedCircuit | BoundCircuit


class ParsedTemplate:
    """A circuit whose angles are named by `slot_names`. For one thread."""

    def __init__(self, text: str, inputs_at: int, angles: int) -> None:
        """Parse `text`, which has so many angles; they are declared at the offset `inputs_at`.

        Raises `PrismError` where prism-q cannot bind them.
        """
        self._text = text
        self._inputs_at = inputs_at
        self._angles = angles
        self._runs = 0
        self._prepared = self._parse(text)

    def bind(self, angles: Sequence[float]) -> Circuit:
        """Return what parsing the text with these angles makes."""
        return self._prepared.bind(angles)

    def run(self, angles: Sequence[float]) -> RunOutcome:
        """Run the circuit with these angles; with a plan from when on one pays."""
        self._runs += 1
        return (self._prepared if self._runs < _RUNS_PER_PLAN else self.planned).run(angles)

    @cached_property
    def planned(self) -> PreparedCircuit:
        """What runs the same circuits, with a plan where prism-q can make one.

        It plans for the angles that a circuit has, and after parsing those are all zero: gates that do nothing are
        left out, and the plan fits no other angles. One that was made for ordinary angles does.
        """
        ordinary, others = _ordinary(self._angles, 1), _ordinary(self._angles, 2)
        for text in dict.fromkeys((self._text, _merged(self._text))):
            with suppress(PrismError):  # what was merged may have become what prism-q refuses
                parsed = self._parse(text)
                planned = PreparedCircuit(parsed.bind(ordinary), parsed.parameters)
                if planned.reuses_fusion_plan and _alike(planned, self._prepared, others):
                    return planned
        return self._prepared

    def _parse(self, text: str) -> PreparedCircuit:
        inputs = "".join(f"input float[64] {name};" for name in slot_names(self._angles))
        return PreparedCircuit(*parse_qasm_parametric(text[: self._inputs_at] + inputs + text[self._inputs_at :]))


def slot_names(angles: int) -> list[str]:
    """Return the names of so many angles."""
    return [f"angle_{place}" for place in range(angles)]


def _merged(text: str) -> str:
    """Return `text` with rzz where prism-q would fuse to it; as it is where it has comments or gates of its own."""
    return text if any(mark in text for mark in _UNCLEAR) else _PHASE.sub(r"rzz\3 \1,\2;", text)


def _ordinary(number: int, seed: int) -> list[float]:
    """Return so many angles of which no few add up to a simple part of a turn."""
    return [0.1 + angle for angle in np.random.default_rng(seed).random(number).tolist()]


def _alike(one: PreparedCircuit, other: PreparedCircuit, angles: list[float]) -> bool:
    """Whether both run by the same means to the same end with `angles`."""
    first, second = one.run(angles), other.run(angles)
    if first.probabilities is None or second.probabilities is None:
        return False
    same_means = first.metadata.backend == second.metadata.backend
    return same_means and np.allclose(first.probabilities, second.probabilities, rtol=0, atol=_ROUNDING)
