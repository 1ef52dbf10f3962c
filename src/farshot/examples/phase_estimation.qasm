// Phase estimation: four qubits read the phase of a gate, p(2 pi * 5/16), from its eigenstate |1>.
// The phase is a whole number of sixteenths, so the answer is exact: expect 0101 (five) in every shot.
OPENQASM 3.0;
include "stdgates.inc";
qubit[4] count;
qubit target;
bit[4] c;

x target;
h count;
cp(2 * pi * 5 / 16) count[0], target;
cp(4 * pi * 5 / 16) count[1], target;
cp(8 * pi * 5 / 16) count[2], target;
cp(16 * pi * 5 / 16) count[3], target;

// the inverse Fourier transform
swap count[0], count[3];
swap count[1], count[2];
h count[0];
cp(-pi / 2) count[0], count[1];
h count[1];
cp(-pi / 4) count[0], count[2];
cp(-pi / 2) count[1], count[2];
h count[2];
cp(-pi / 8) count[0], count[3];
cp(-pi / 4) count[1], count[3];
cp(-pi / 2) count[2], count[3];
h count[3];

c = measure count;
