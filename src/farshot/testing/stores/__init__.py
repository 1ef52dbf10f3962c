"""The contracts of stores, as test suites for your own stores, and `StoreMachine`, which drives a job store at random.

They need pytest and Hypothesis.

Subclass `StoreSuite` in a test module and define its fixtures. `UploadSuite`, `AccountSuite` and `QuotaSuite` need a
fixture `store` of the same database besides their own:

```python
class TestMyStore(StoreSuite):
    @pytest.fixture
    def clock(self): ...      # a clock with the methods of `ManualClock`
    @pytest.fixture
    def store(self, clock): ...   # an empty store whose leases last LEASE_SECONDS by that clock
    @pytest.fixture
    def limited(self, clock): ...   # the same, but an owner runs at most RUNNING_LIMIT shards at a time

class TestMyUploads(UploadSuite):
    @pytest.fixture
    def uploads(self): ...    # an UploadStore

class TestMyAccounts(AccountSuite):
    @pytest.fixture
    def accounts(self): ...   # an AccountStore

class TestMyQuotas(QuotaSuite):   # with `store`, `uploads` and `accounts`
    ...
```

Subclass `StoreMachine`, define how a store is made, and run it with Hypothesis:

```python
class MyMachine(StoreMachine):
    def make_empty(self): ...          # delete every job
    def open_store(self, clock): ...   # open the store, after `make_empty` or after a crash

TestMyMachine = MyMachine.TestCase
```
"""

from farshot.testing.stores.accounts import AccountSuite
from farshot.testing.stores.machine import StoreMachine
from farshot.testing.stores.quotas import QuotaSuite
from farshot.testing.stores.suite import StoreSuite
from farshot.testing.stores.uploads import UploadSuite
from farshot.testing.stores.values import LEASE_SECONDS, RUNNING_LIMIT, ManualClock

__all__ = [
    "LEASE_SECONDS",
    "RUNNING_LIMIT",
    "AccountSuite",
    "ManualClock",
    "QuotaSuite",
    "StoreMachine",
    "StoreSuite",
    "UploadSuite",
]
