// The ground state of the hydrogen molecule on two qubits, at the end of a variational search (VQE).
// Expect 10 in 98.8 % of the shots and 01 in the rest. For its energy ask for expectation values:
//   farshot run vqe_h2.qasm --observable IZ --observable ZI --observable ZZ --observable XX
// E = -1.052373 + 0.397937 IZ - 0.397937 ZI - 0.011280 ZZ + 0.180931 XX = -1.857275 hartree (electrons alone).
OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
ry(-0.2235370) q[0];
x q[1];
cx q[0], q[1];
measure q -> c;
