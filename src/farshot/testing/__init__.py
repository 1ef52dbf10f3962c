"""Suites to run on your own parts, and circuits to run them with.

- `simulators`: the contract of a simulator, checked with circuits of known outcome (`known`).
- `stores`, `backends`: the contracts of a store and of a backend; these two need pytest.
- `circuits`: circuits drawn at random, as data and as OpenQASM; `conformance` judges what ran them by an
  exact reference that you bring, `runners` runs them as jobs of a backend.
- `counts`: whether counts fit a distribution.

Nothing is imported here, so that each part costs what it needs.
"""
