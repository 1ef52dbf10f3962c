// Grover's search among eight numbers for the one that the oracle marks: 101.
// Two rounds find it with probability 121/128: expect 101 in about 94.5 % of the shots.
OPENQASM 2.0;
include "qelib1.inc";

gate ccz a, b, c { h c; ccx a, b, c; h c; }
gate oracle a, b, c { x b; ccz a, b, c; x b; }
gate diffusion a, b, c {
  h a; h b; h c;
  x a; x b; x c;
  ccz a, b, c;
  x a; x b; x c;
  h a; h b; h c;
}

qreg q[3];
creg c[3];
h q;
oracle q[0], q[1], q[2];
diffusion q[0], q[1], q[2];
oracle q[0], q[1], q[2];
diffusion q[0], q[1], q[2];
measure q -> c;
