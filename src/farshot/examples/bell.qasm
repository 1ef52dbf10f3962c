// A Bell pair: two qubits that always agree.
// Expect 00 and 11, half of the shots each, and nothing else.
OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
