"""The end of a process that does not end by itself, because a store or a thread of it never answers."""

from __future__ import annotations

import logging
import os
import threading
import time

from farshot.service.logs import log_event

_log = logging.getLogger("farshot.service")
_STATUS = 1


def end_within(seconds: float) -> None:
    """End this process after so many seconds, if it is still there.

    That is no worse than being killed: what is accepted is in the store, and leases run out.
    """
    threading.Thread(target=_end, args=(seconds,), name="farshot-last-resort", daemon=True).start()


def _end(seconds: float) -> None:
    time.sleep(seconds)
    log_event(_log, logging.ERROR, "service-ended-hard", reason=f"it had not stopped after {seconds:g} s")
    os._exit(_STATUS)
