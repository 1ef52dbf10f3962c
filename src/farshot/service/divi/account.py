"""Requests of Divi's client that concern no job: the systems on offer, and its credits, which are shots here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from farshot.accounts import in_force
from farshot.model import JobFilter
from farshot.service.context import in_thread
from farshot.service.divi.documents import TransactionQuery
from farshot.service.divi.jobs import reply
from farshot.service.divi.options import DEFAULT_CLUSTER
from farshot.service.request_bodies import parameters_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from farshot.model import JobRecord
    from farshot.service.context import Call


_WINDOW = timedelta(days=1)
_MAX_JOBS = 10_000
_UNLIMITED = "Infinity"
"""The balance of a user without a quota of shots: text that reads as a number, as all amounts do."""


async def greet(call: Call) -> Response:
    """Confirm that the API exists and the token is valid."""
    return reply({"status": "ok", "user": call.user.name})


async def list_qpu_systems(call: Call) -> Response:
    """List the QPU systems, of which this service has none."""
    del call
    return reply([])


async def list_vendor_blueprints(call: Call) -> Response:
    """List the options of vendors of QPU systems, of which this service has none."""
    del call
    return reply({})


async def list_clusters(call: Call) -> Response:
    """List the simulator clusters: the client's default one, and every target that is available."""
    targets = await in_thread(call.service, call.parts.targets)
    names = [DEFAULT_CLUSTER, *(target.name for target in targets if target.unavailable is None)]
    traits = {"access_level": "PUBLIC", "minimum_tier": "FREE", "supports_expval": True}
    return reply([{"name": name, **traits} for name in dict.fromkeys(names)])


async def get_credits(call: Call) -> Response:
    """Answer with the number of shots that the user has used in the last 24 hours, and has left."""
    usage = await in_thread(call.service, lambda: call.parts.jobs.usage(call.user.name))
    now = datetime.now(UTC)
    return reply(
        {
            "balance": _balance(call, usage.shots_per_day),
            "total_used": str(usage.shots_per_day),
            "created_at": (now - _WINDOW).isoformat(),
            "updated_at": now.isoformat(),
        }
    )


def _balance(call: Call, used: int) -> str:
    allowed = in_force(call.user.quota, call.parts.limits.quota).shots_per_day
    return _UNLIMITED if allowed is None else str(max(0, allowed - used))


async def get_transactions(call: Call) -> Response:
    """List the jobs of the last 24 hours as transactions, which use shots, the newest first."""
    query = parameters_in(call, TransactionQuery)
    return reply(await in_thread(call.service, lambda: _transactions(call, query, datetime.now(UTC))))


def _transactions(call: Call, query: TransactionQuery, now: datetime) -> dict[str, Any]:
    wanted = JobFilter(owner=call.user.name, since=now - _WINDOW)
    records = [record for record in call.parts.jobs.jobs(wanted, _MAX_JOBS) if not record.uploading]
    start = (query.page - 1) * query.page_size
    end = start + query.page_size
    path = "/api/credits/transactions/?page={}&page_size=" + str(query.page_size)
    return {
        "count": len(records),
        "total_pages": max(1, -(-len(records) // query.page_size)),
        "next": path.format(query.page + 1) if end < len(records) else None,
        "previous": path.format(query.page - 1) if query.page > 1 else None,
        "results": list(_page(call, records[:end], start, now)),
    }


def _page(call: Call, records: list[JobRecord], start: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the transactions from `start` on, each with the balance after it."""
    later = 0
    used = call.parts.jobs.usage(call.user.name).shots_per_day
    spent = call.parts.jobs.shots(call.user.name, now - _WINDOW)
    for place, record in enumerate(records):
        shots = spent.get(record.id, 0)
        if place >= start:
            yield {
                "id": record.seq,
                "amount": str(-shots),
                "balance_after": _balance(call, used - later),
                "transaction_type": "usage",
                "description": f"{record.circuits:,} circuits on {record.target}",
                "job_id": record.id,
                "created_at": record.created_at.isoformat(),
            }
        later += shots
