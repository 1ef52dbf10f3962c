"""Circuits that are ready to run: parsed circuits, and parsed templates with their angles.

Between parsing and running, prism-q fuses gates. For a template it can keep the fusion as a plan. With a plan it
multiplies some gates in another order, so that probabilities differ by the rounding.
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


_FUSED_TO_RZZ = re.compile(r"cx ([^,;]+), ?([^;]+);\s*rz(\([^;]+\)) \2;\s*cx \1, ?\2;")
"""Gates that prism-q fuses to one rzz, but has no plan for."""
_UNMERGEABLE_MARKS = ("//", "/*", "{")
_MAX_ROUNDING_ERROR = 1e-13
_MIN_PLAN_RUNS = 30
"""Making a plan takes about the time that so many runs save with it."""


@dataclass(frozen=True, slots=True)
class ParsedCircuit:
    """A parsed circuit."""

    circuit: Circuit

    def run(self) -> RunOutcome:
        """Run it by the method that prism-q chooses."""
        return simulate(self.circuit).run()


@dataclass(frozen=True, slots=True)
class BoundCircuit:
    """A parsed template with angles."""

    template: ParsedTemplate
    angles: Sequence[float]

    @property
    def circuit(self) -> Circuit:
        """The circuit that parsing the text with these angles gives."""
        return self.template.bind(self.angles)

    def run(self) -> RunOutcome:
        """Run it, with a plan if there is one."""
        return self.template.run(self.angles)


Ready: TypeAlias = ParsedCircuit | BoundCircuit


class ParsedTemplate:
    """A parsed circuit whose angles are parameters, named by `slot_names`. For one thread."""

    def __init__(self, text: str, inputs_at: int, angles: int) -> None:
        """Parse `text`, which has so many `angles`; they are declared at the offset `inputs_at`.

        Raises `PrismError` if prism-q cannot bind them.
        """
        self._text = text
        self._inputs_at = inputs_at
        self._angles = angles
        self._runs = 0
        self._prepared = self._parse(text)

    def bind(self, angles: Sequence[float]) -> Circuit:
        """Return the circuit that parsing the text with these angles gives."""
        return self._prepared.bind(angles)

    def run(self, angles: Sequence[float]) -> RunOutcome:
        """Run the circuit with these angles, with a plan after enough runs."""
        self._runs += 1
        return (self._prepared if self._runs < _MIN_PLAN_RUNS else self.planned).run(angles)

    @cached_property
    def planned(self) -> PreparedCircuit:
        """The same circuit with a plan, if prism-q can make one.

        It plans for the angles that a circuit has, which are all zero after parsing: gates without effect are left out,
        and the plan fits no other angles. A plan for ordinary angles does.
        """
        ordinary, others = _ordinary_angles(self._angles, 1), _ordinary_angles(self._angles, 2)
        for text in dict.fromkeys((self._text, _with_rzz(self._text))):
            with suppress(PrismError):  # prism-q may refuse the text with rzz
                parsed = self._parse(text)
                planned = PreparedCircuit(parsed.bind(ordinary), parsed.parameters)
                if planned.reuses_fusion_plan and _are_equal(planned, self._prepared, others):
                    return planned
        return self._prepared

    def _parse(self, text: str) -> PreparedCircuit:
        inputs = "".join(f"input float[64] {name};" for name in slot_names(self._angles))
        return PreparedCircuit(*parse_qasm_parametric(text[: self._inputs_at] + inputs + text[self._inputs_at :]))


def slot_names(angles: int) -> list[str]:
    """Return the names of so many angles."""
    return [f"angle_{place}" for place in range(angles)]


def _with_rzz(text: str) -> str:
    """Return `text` with rzz for gates that prism-q would fuse to it; unchanged if it has comments or defines gates."""
    return text if any(mark in text for mark in _UNMERGEABLE_MARKS) else _FUSED_TO_RZZ.sub(r"rzz\3 \1,\2;", text)


def _ordinary_angles(number: int, seed: int) -> list[float]:
    """Return `number` angles no few of which add up to a simple part of a turn."""
    return [0.1 + angle for angle in np.random.default_rng(seed).random(number).tolist()]


def _are_equal(one: PreparedCircuit, other: PreparedCircuit, angles: list[float]) -> bool:
    """Return whether both run by the same method with `angles` and give the same probabilities."""
    first, second = one.run(angles), other.run(angles)
    if first.probabilities is None or second.probabilities is None:
        return False
    if first.metadata.backend != second.metadata.backend:
        return False
    return np.allclose(first.probabilities, second.probabilities, rtol=0, atol=_MAX_ROUNDING_ERROR)
