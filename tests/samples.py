"""What several tests need: a circuit, and where the data lies."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
