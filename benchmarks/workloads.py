"""The reference workloads: every speed figure of Farshot is taken on these circuits.

    python workloads.py NAME [SEED]      # prints {"circuits": {label: OpenQASM 2}, "shots": int, "ham_ops": str | null}

name  circuits                                                       what it stands for
a     1,000 x 10 qubits, QAOA p=2, 1,000 shots                       sampling loops of variational programs
b     1,000 x 4 qubits, VQE-like, 1,000 shots                        overhead per circuit
c     100 x 16 qubits, hardware-efficient, depth 10, 1,000 shots     medium state vectors
d     5 x 22 qubits, depth 8, 1,000 shots                            large state vectors
e     200 x 50 qubits, GHZ and random Clifford, 1,000 shots          wide Clifford circuits
f     50 x 40 qubits, depth 4, 1,000 shots                           low entanglement (MPS)
g     1,000 x 6 qubits, mid-circuit measurement, if, reset, 1,000 shots dynamic circuits
h     as a, 20 Pauli strings instead of shots                        expectation values
"""

import json
import math
import random
import sys

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def _registers(n):
    return f"qreg q[{n}];\ncreg c[{n}];\n"


def _measure(n, creg="c"):
    return "".join(f"measure q[{i}] -> {creg}[{i}];\n" for i in range(n))


def qaoa(n, layers, rng):
    edges = [(i, (i + 1) % n) for i in range(n)] + [(i, (i + 3) % n) for i in range(0, n, 2)]
    out = [HEAD, _registers(n), *(f"h q[{i}];\n" for i in range(n))]
    for _ in range(layers):
        gamma, beta = rng.uniform(0, 2 * math.pi), rng.uniform(0, math.pi)
        out += [f"cx q[{a}],q[{b}];\nrz({gamma:.10g}) q[{b}];\ncx q[{a}],q[{b}];\n" for a, b in edges]
        out += [f"rx({2 * beta:.10g}) q[{i}];\n" for i in range(n)]
    return "".join(out) + _measure(n)


def vqe(n, layers, rng):
    out = [HEAD, _registers(n)]
    for _ in range(layers):
        out += [f"ry({rng.uniform(0, 6.28):.10g}) q[{i}];\nrz({rng.uniform(0, 6.28):.10g}) q[{i}];\n" for i in range(n)]
        out += [f"cx q[{i}],q[{i + 1}];\n" for i in range(n - 1)]
    out += [f"ry({rng.uniform(0, 6.28):.10g}) q[{i}];\n" for i in range(n)]
    return "".join(out) + _measure(n)


def hardware_efficient(n, depth, rng):
    out = [HEAD, _registers(n)]
    for layer in range(depth):
        out += [f"ry({rng.uniform(0, 6.28):.10g}) q[{i}];\nrz({rng.uniform(0, 6.28):.10g}) q[{i}];\n" for i in range(n)]
        out += [f"cx q[{i}],q[{i + 1}];\n" for i in range(layer % 2, n - 1, 2)]
    return "".join(out) + _measure(n)


def ghz(n):
    return HEAD + _registers(n) + "h q[0];\n" + "".join(f"cx q[{i}],q[{i + 1}];\n" for i in range(n - 1)) + _measure(n)


def clifford(n, depth, rng):
    out = [HEAD, _registers(n)]
    for _ in range(depth):
        out += [f"{rng.choice(['h', 's', 'sdg', 'x', 'y', 'z', 'id'])} q[{i}];\n" for i in range(n)]
        order = rng.sample(range(n), n)
        out += [f"{rng.choice(['cx', 'cz'])} q[{a}],q[{b}];\n" for a, b in zip(order[::2], order[1::2])]
    return "".join(out) + _measure(n)


def dynamic(n, rng):
    out = [
        HEAD,
        f"qreg q[{n}];\ncreg c[1];\ncreg d[{n}];\n",
        *(f"ry({rng.uniform(0, 3.1):.10g}) q[{i}];\n" for i in range(n)),
    ]
    for r in range(3):
        out.append(f"h q[0];\ncx q[0],q[1];\nmeasure q[0] -> c[0];\nif(c==1) x q[{2 + r % (n - 2)}];\nreset q[0];\n")
        out += [f"cx q[{i}],q[{i + 1}];\nrz({rng.uniform(0, 3.1):.10g}) q[{i}];\nh q[{i}];\n" for i in range(n - 1)]
    return "".join(out) + _measure(n, "d")


def paulis(n, count, rng):
    terms = set()
    while len(terms) < count:
        term = ["I"] * n
        for i in rng.sample(range(n), rng.choice([1, 2, 2, 3])):
            term[i] = rng.choice("XYZZ")
        terms.add("".join(term))
    return ";".join(sorted(terms))


def workload(name, seed=1):
    """Return ``(circuits, shots, ham_ops)`` of one workload; ``ham_ops`` is None for sampling."""
    rng = random.Random(f"{name}{seed}")
    make = {
        "a": lambda: [qaoa(10, 2, rng) for _ in range(1000)],
        "b": lambda: [vqe(4, 3, rng) for _ in range(1000)],
        "c": lambda: [hardware_efficient(16, 10, rng) for _ in range(100)],
        "d": lambda: [hardware_efficient(22, 8, rng) for _ in range(5)],
        "e": lambda: [ghz(50) if i % 2 else clifford(50, 10, rng) for i in range(200)],
        "f": lambda: [hardware_efficient(40, 4, rng) for _ in range(50)],
        "g": lambda: [dynamic(6, rng) for _ in range(1000)],
        "h": lambda: [qaoa(10, 2, rng) for _ in range(1000)],
    }[name]
    circuits = {f"{name}{i:04d}": source for i, source in enumerate(make())}
    return circuits, 1000, paulis(10, 20, rng) if name == "h" else None


if __name__ == "__main__":
    chosen, shots, ham_ops = workload(sys.argv[1], *(int(s) for s in sys.argv[2:3]))
    json.dump({"circuits": chosen, "shots": shots, "ham_ops": ham_ops}, sys.stdout)
