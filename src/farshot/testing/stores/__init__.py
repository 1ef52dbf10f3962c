"""The contract of a job store, to run on your own: `StoreSuite`, and `StoreMachine` that drives it at random.

They need pytest and Hypothesis.

Subclass `StoreSuite` in a test module and give it fixtures:

```python
class TestMyStore(StoreSuite):
    @pytest.fixture
    def clock(self): ...      # a Clock that `advance(seconds)` moves
    @pytest.fixture
    def store(self, clock): ...   # an empty store whose leases last LEASE_SECONDS by that clock
```

Subclass `StoreMachine`, say how a store is made, and run it with Hypothesis:

```python
class MyMachine(StoreMachine):
    def make_empty(self): ...          # forget every job
    def open_store(self, clock): ...   # open what `make_empty` left, or what is there after a crash

TestMyMachine = MyMachine.TestCase
```
"""

from farshot.testing.stores.machine import StoreMachine
from farshot.testing.stores.suite import StoreSuite
from farshot.testing.stores.values import LEASE_SECONDS, ManualClock

__all__ = ["LEASE_SECONDS", "ManualClock", "StoreMachine", "StoreSuite"]
