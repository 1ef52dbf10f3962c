// The quantum Fourier transform of four qubits, undone.
// |0101> goes to an even superposition whose phases hold the number, and back: expect 0101 in every shot.
OPENQASM 3.0;
include "stdgates.inc";

gate swap_ends a, b, c, d { swap a, d; swap b, c; }

gate qft a, b, c, d {
  h d;
  cp(pi / 2) c, d;
  cp(pi / 4) b, d;
  cp(pi / 8) a, d;
  h c;
  cp(pi / 2) b, c;
  cp(pi / 4) a, c;
  h b;
  cp(pi / 2) a, b;
  h a;
  swap_ends a, b, c, d;
}

qubit[4] q;
bit[4] c;
x q[0];
x q[2];
qft q[0], q[1], q[2], q[3];
barrier q;
inv @ qft q[0], q[1], q[2], q[3];
c = measure q;
