"""What a test may do on this machine only with the rights of root."""

import os

import pytest


def leave_out(reason):
    """Leave a test out that this machine does not permit; where everything is to run, that is a failure."""
    if os.environ.get("FARSHOT_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
