"""The ground state of hydrogen: exact, from counts, and with a shot distribution; the energy of Divi's simulator."""

from math import sqrt

from samples import (
    GROUND,
    MODERN,
    SPREAD,
    Watched,
    divi,
    divi_backends,
    farshot,
    local,
    losses,
    qiskit_simulator,
    show,
    vqe,
)

SHOTS = 20_000
NORM = 2.2
"""The absolute coefficients of the molecule add up to less, so one shot's energy deviates by less."""

inner = local(Watched, shots=SHOTS)

exact = losses(vqe(divi.backend(inner)).run())
expected = losses(vqe(divi_backends.MaestroSimulator(shots=SHOTS)).run())
assert abs(exact[0] - expected[0]) < 1e-6
assert abs(min(exact) - min(expected)) < 2e-3, (exact, expected)
assert abs(min(exact) - GROUND) < 2e-3, (exact, GROUND)

inner.submitted.clear()
program = vqe(divi.backend(inner, force_sampling=True, seed=3), max_iterations=2).run()
sampled = losses(program)
groups = {circuits.source for circuits, _ in inner.submitted if isinstance(circuits, farshot.Template)}
assert len(groups) >= 5, "each group of observables is a template"
assert not any(isinstance(circuits, dict) for circuits, _ in inner.submitted)
reference = expected[0]
if not MODERN:  # 0.12 estimates these energies otherwise from counts: compared with its own counts
    own = qiskit_simulator(SHOTS)
    reference = losses(vqe(own, max_iterations=1).run())[0]
assert abs(sampled[0] - reference) < SPREAD * NORM / sqrt(SHOTS), (sampled, reference)

inner.submitted.clear()
weighted = vqe(divi.backend(inner, force_sampling=True, seed=3), max_iterations=1, shot_distribution="weighted").run()
assert any("shot_groups" in options for _, options in inner.submitted)
show(
    exact=min(exact),
    expected=min(expected),
    ground=GROUND,
    sampled=sampled,
    reference=reference,
    weighted=losses(weighted),
)
