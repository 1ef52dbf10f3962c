"""A QAOA, a VQE and a merged ensemble's worth of threads over a service, which FARSHOT_URL and FARSHOT_TOKEN name."""

from concurrent.futures import ThreadPoolExecutor

from samples import divi, divi_backends, farshot, losses, qaoa, show, vqe

with farshot.RemoteBackend(shots=5000) as inner:
    exact = losses(vqe(divi.backend(inner), max_iterations=3).run())
    expected = losses(vqe(divi_backends.MaestroSimulator(shots=5000), max_iterations=3).run())
    assert abs(exact[0] - expected[0]) < 1e-6, (exact, expected)
    sampled = qaoa(divi.backend(inner, force_sampling=True, seed=3), max_iterations=2).run()
    assert sampled.total_run_time > 0
    shared = divi.backend(inner)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda seed: losses(qaoa(shared, seed=seed, max_iterations=2).run()), (1, 2, 3)))
    for seed, values in zip((1, 2, 3), found, strict=True):
        simulated = losses(qaoa(divi_backends.MaestroSimulator(shots=5000), seed=seed, max_iterations=2).run())
        assert abs(values[0] - simulated[0]) < 1e-6
    assert all(job.status == "COMPLETED" for job in inner.jobs(limit=500))
    show(exact=exact, expected=expected, sampled=losses(sampled), jobs=len(inner.jobs(limit=500)))
