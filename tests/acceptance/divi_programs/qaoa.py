"""Max-cut: the energies of Divi's simulator, exactly and within shot noise; templates arrive as templates."""

from math import sqrt

from samples import (
    MODERN,
    SPREAD,
    MonteCarloOptimizer,
    Watched,
    divi,
    divi_backends,
    farshot,
    local,
    losses,
    qaoa,
    qiskit_simulator,
    show,
)

SHOTS = 20_000
WIDEST = 2.5
"""The standard deviation of the cut of five edges is no larger, in any state."""

inner = local(Watched, shots=SHOTS)


def run(backend, **options):
    inner.submitted.clear()
    program = qaoa(backend, **options).run()
    assert program.total_circuit_count > 0
    return program, losses(program)


def is_template(circuits):
    return isinstance(circuits, farshot.Template) and "1*β[0]" in circuits.source


backend = divi.backend(inner, track_depth=True)
program, exact = run(backend)
simulator = divi_backends.MaestroSimulator(shots=SHOTS, track_depth=True)
theirs, expected = run(simulator)
assert max(abs(a - b) for a, b in zip(exact, expected, strict=True)) < 1e-6, (exact, expected)
assert program.total_circuit_count == theirs.total_circuit_count
assert program.total_run_time > 0

backend_submitted = backend.depth_history
assert backend_submitted == simulator.depth_history, (backend_submitted, simulator.depth_history)
assert (backend.average_depth(), backend.std_depth()) == (simulator.average_depth(), simulator.std_depth())
assert backend.depth_history is not backend.depth_history
backend.clear_depth_history()
assert backend.depth_history == []
assert backend.average_depth() == backend.std_depth() == 0.0

sampler = divi.backend(inner, force_sampling=True, seed=7)
assert not sampler.supports_expval
reference = expected[0]
if not MODERN:  # 0.12 estimates these energies otherwise from counts: compared with its own counts
    reference = losses(qaoa(qiskit_simulator(SHOTS)).run())[0]
_, sampled = run(sampler)
assert all(is_template(circuits) for circuits, _ in inner.submitted)
assert abs(sampled[0] - reference) < SPREAD * WIDEST / sqrt(SHOTS), (sampled, reference)
sampler.set_seed(7)
_, again = run(sampler)
assert again == sampled
_, bound = run(divi.backend(inner, force_sampling=True, resolves_parameters=False, seed=7))
assert all(isinstance(circuits, dict) for circuits, _ in inner.submitted)
assert abs(bound[0] - sampled[0]) < SPREAD * WIDEST / sqrt(SHOTS)


def many():
    return {"optimizer": MonteCarloOptimizer(population_size=20, n_best_sets=5), "max_iterations": 2}


_, population = run(divi.backend(inner), **many())
assert [len(circuits.rows) for circuits, _ in inner.submitted[:2]] == [20, 20]
_, simulated = run(divi_backends.MaestroSimulator(shots=SHOTS), **many())
assert max(abs(a - b) for a, b in zip(population, simulated, strict=True)) < 1e-6
show(exact=exact, expected=expected, sampled=sampled, reference=reference, solution=program.solution)
