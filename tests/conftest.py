"""What holds for all tests, on a busy machine and however they were started."""

import signal

from hypothesis import HealthCheck, settings

# Ctrl-C is what it is at a terminal: a shell has its background jobs ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Drawing takes as long as it takes where other programs run too.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
