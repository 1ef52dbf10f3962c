"""Test suites for your own simulators, executors, stores and backends, and circuits to run them with.

- `simulators`: the contract of a simulator, checked with circuits of known outcome (`known`).
- `executors`, `stores`, `backends`: the contracts of an executor, a store and a backend; these need pytest.
- `circuits`: circuits drawn at random, as data and as OpenQASM. `conformance` compares their results with an exact
  reference that you supply; `runners` runs them as jobs of a backend.
- `counts`: a test of counts against a distribution.

Nothing is imported here, so that a module needs only its own dependencies.
"""
