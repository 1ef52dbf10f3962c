"""Test suites for your own simulators, stores and backends, and circuits to run them with.

- `simulators`: the contract of a simulator, checked with circuits of known outcome (`known`).
- `stores`, `backends`: the contracts of a store and of a backend; these two need pytest.
- `circuits`: circuits drawn at random, as data and as OpenQASM. `conformance` compares their results with an exact
  reference that you supply; `runners` runs them as jobs of a backend.
- `counts`: a test of counts against a distribution.

Nothing is imported here, so that a module needs only its own dependencies.
"""
