// QAOA with two layers for the largest cut of a graph: a ring of six vertices and the chord 0-3.
// The best cut takes all seven edges: expect 010101 and 101010, about 30.5 % of the shots each.
OPENQASM 3.0;
include "stdgates.inc";
const float gamma_1 = 0.58303499;
const float gamma_2 = 0.98097450;
const float beta_1 = 0.58499790;
const float beta_2 = 0.36640286;

gate edge(gamma) a, b { cx a, b; rz(-gamma) b; cx a, b; }

gate layer(gamma, beta) a, b, c, d, e, f {
  edge(gamma) a, b;
  edge(gamma) b, c;
  edge(gamma) c, d;
  edge(gamma) d, e;
  edge(gamma) e, f;
  edge(gamma) f, a;
  edge(gamma) a, d;
  rx(2 * beta) a;
  rx(2 * beta) b;
  rx(2 * beta) c;
  rx(2 * beta) d;
  rx(2 * beta) e;
  rx(2 * beta) f;
}

qubit[6] q;
bit[6] c;
h q;
layer(gamma_1, beta_1) q[0], q[1], q[2], q[3], q[4], q[5];
layer(gamma_2, beta_2) q[0], q[1], q[2], q[3], q[4], q[5];
c = measure q;
