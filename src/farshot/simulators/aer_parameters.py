"""New names for the parameters of a circuit's own OpenQASM 3 gates.

Qiskit's importer assigns the values of a call in alphabetical order of the parameters' names, and refuses
one name in two gates that meet. Names that are unique and sort in order of declaration avoid both.
"""

from __future__ import annotations

from openqasm3 import ast
from openqasm3.visitor import QASMTransformer

__all__ = ["rename_parameters"]


def rename_parameters(program: ast.Program) -> ast.Program:
    """Rename the parameters of every gate that `program` defines."""
    gates = [statement for statement in program.statements if isinstance(statement, ast.QuantumGateDefinition)]
    for number, gate in enumerate(gates):
        if gate.arguments:
            _rename(gate, number)
    return program


def _rename(gate: ast.QuantumGateDefinition, number: int) -> None:
    names = {parameter.name: f"parameter_{number:05}_{place:05}" for place, parameter in enumerate(gate.arguments)}
    for parameter in gate.arguments:
        parameter.name = names[parameter.name]
    gate.body = [_Renamer().visit(statement, names) for statement in gate.body]


class _Renamer(QASMTransformer[dict[str, str]]):
    """Renames where values stand: arguments of gates, not gates and qubits, which may share a name."""

    def visit_QuantumGate(self, node: ast.QuantumGate, names: dict[str, str]) -> ast.QuantumGate:  # noqa: N802 -- the visitor's naming
        node.arguments = [self.visit(argument, names) for argument in node.arguments]
        node.modifiers = [self.visit(modifier, names) for modifier in node.modifiers]
        return node

    def visit_QuantumPhase(self, node: ast.QuantumPhase, names: dict[str, str]) -> ast.QuantumPhase:  # noqa: N802 -- as above
        node.argument = self.visit(node.argument, names)
        node.modifiers = [self.visit(modifier, names) for modifier in node.modifiers]
        return node

    def visit_Identifier(self, node: ast.Identifier, names: dict[str, str]) -> ast.Identifier:  # noqa: N802 -- as above
        return ast.Identifier(names.get(node.name, node.name))
