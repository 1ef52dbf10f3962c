"""A QAOA, a VQE and a merged ensemble with Divi's own client of its cloud, over a service instead.

Their energies are those of Divi's simulator: exactly, and from counts within shot noise.
"""

from math import sqrt

from cuts import check_alike, run

from samples import MODERN, SPREAD, cloud, divi_backends, farshot, losses, qaoa, qiskit_simulator, show, vqe

SHOTS = 20_000
PROGRAMS = {"max-cut": (qaoa, 2.5), "hydrogen": (vqe, 2.2)}
"""Programs, and what the standard deviation of one shot's energy is less than."""


def energies(program, backend):
    return losses(program(backend, max_iterations=3).run())


def reference(program, exact):
    """The first energy from counts; 0.12 estimates it otherwise from them, so that its own counts are asked."""
    if MODERN:
        return exact
    return energies(program, qiskit_simulator(SHOTS))[0]


service, sampler = cloud(SHOTS), cloud(SHOTS, force_sampling=True)
assert service.supports_expval
assert not sampler.supports_expval
found = {}
for name, (program, widest) in PROGRAMS.items():
    expected = energies(program, divi_backends.MaestroSimulator(shots=SHOTS))
    exact = energies(program, service)
    assert abs(exact[0] - expected[0]) < 1e-6, (name, exact, expected)
    assert max(abs(a - b) for a, b in zip(exact, expected, strict=True)) < 1e-3, (name, exact, expected)
    sampled, wanted = energies(program, sampler)[0], reference(program, expected[0])
    assert abs(sampled - wanted) < SPREAD * widest / sqrt(SHOTS), (name, sampled, wanted)
    found[name] = {"exact": exact[0], "sampled": sampled, "expected": expected[0]}

simulated, _ = run(divi_backends.MaestroSimulator(shots=2000))
merged, _ = run(service)
check_alike(merged, simulated)
with farshot.RemoteBackend() as backend:
    jobs = [job.status for job in backend.jobs(limit=500)]
assert set(jobs) == {"COMPLETED"}
show(merged=merged, simulated=simulated, jobs=len(jobs), **found)
