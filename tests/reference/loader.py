"""From Qiskit's circuits to ours, so that real files can be computed."""

from qiskit.circuit import Clbit

from farshot.testing.circuits import Barrier, Condition, Gate, If, Measure, Program, Register, Reset

from .gates import FIXED, TURNED


class Reader:
    """Reads one circuit. Gates that are not in the library are replaced by their definitions."""

    def __init__(self, circuit):
        self.qubits = {qubit: index for index, qubit in enumerate(circuit.qubits)}
        self.bits = {bit: index for index, bit in enumerate(circuit.clbits)}

    def read(self, circuit, qubits, bits):
        """Yield the operations of `circuit`, its qubits and bits standing for the flat ones given."""
        own_qubits = dict(zip(circuit.qubits, qubits, strict=True))
        own_bits = dict(zip(circuit.clbits, bits, strict=True))
        for item in circuit.data:
            places = tuple(own_qubits[qubit] for qubit in item.qubits)
            yield from self.operation(item.operation, places, tuple(own_bits[bit] for bit in item.clbits))

    def operation(self, operation, qubits, bits):
        match operation.name:
            case "measure":
                yield Measure(qubits[0], bits[0])
            case "reset":
                yield Reset(qubits[0])
            case "barrier" | "delay":
                yield Barrier(qubits)
            case "if_else":
                yield self.branch(operation, qubits, bits)
            case _:
                yield from self.gate(operation, qubits)

    def gate(self, operation, qubits):
        name = operation.name
        if name in FIXED or name in TURNED:
            yield Gate(name, qubits, tuple(repr(float(value)) for value in operation.params))
        else:
            yield from self.read(operation.definition, qubits, ())

    def branch(self, operation, qubits, bits):
        blocks = [tuple(self.read(block, qubits, bits)) for block in operation.blocks]
        return If(self.condition(operation.condition), blocks[0], blocks[1] if blocks[1:] else ())

    def condition(self, condition):
        source, value = condition
        if isinstance(source, Clbit):
            return Condition((self.bits[source],), int(value), whole=False)
        return Condition(tuple(self.bits[bit] for bit in source), int(value), whole=True)


def program_of(circuit):
    """Return the program of a `QuantumCircuit`, its registers flattened to one of each kind."""
    reader = Reader(circuit)
    registers = (
        Register("q", circuit.num_qubits, classical=False),
        Register("c", circuit.num_clbits, classical=True),
    )
    operations = tuple(reader.read(circuit, range(circuit.num_qubits), range(circuit.num_clbits)))
    return Program(2, registers, operations)
