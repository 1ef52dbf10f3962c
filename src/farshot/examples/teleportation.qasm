// Teleportation: the state of q[0] moves to q[2] by two measured bits and two corrections.
// The state is ry(pi/3)|0>, which reads 1 in a quarter of all shots: expect the leftmost bit of the keys,
// "received", to be 1 in 25 % of them, and the two bits on its right to be evenly random.
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit sign;
bit flip;
bit received;

ry(pi / 3) q[0];   // what is sent
h q[1];            // the pair that sender and receiver share
cx q[1], q[2];

cx q[0], q[1];
h q[0];
sign = measure q[0];
flip = measure q[1];

if (flip == 1) x q[2];
if (sign == 1) z q[2];
received = measure q[2];
