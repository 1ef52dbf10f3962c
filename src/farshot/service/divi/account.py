"""What Divi's client may ask beside its jobs: the systems on offer, and its credits, which are shots here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from farshot.accounts import in_force
from farshot.model import JobFilter
from farshot.service.context import in_thread
from farshot.service.divi.documents import TransactionQuery
from farshot.service.divi.jobs import reply
from farshot.service.divi.options import CLUSTER
from farshot.service.request_bodies import parameters_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from farshot.model import JobRecord
    from farshot.service.context import Call


_WINDOW = timedelta(days=1)
_MOST = 10_000
_ANY = "Infinity"
"""The balance of who may use any number of shots: text that reads as a number, as all amounts do."""


async def greet(call: Call) -> Response:
    """Say that the API is here and the token is good."""
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
    """List what circuits can be sent to: the cluster that the client takes by itself, and every target."""
    targets = await in_thread(call.service, call.parts.targets)
    names = [CLUSTER, *(target.name for target in targets if target.unavailable is None)]
    return reply([_cluster(name) for name in dict.fromkeys(names)])


def _cluster(name: str) -> dict[str, Any]:
    return {"name": name, "access_level": "PUBLIC", "minimum_tier": "FREE", "supports_expval": True}


async def get_credits(call: Call) -> Response:
    """Tell how many shots of the last 24 hours the user has used, and has left."""
    return reply(await in_thread(call.service, lambda: _credits(call, datetime.now(UTC))))


def _credits(call: Call, now: datetime) -> dict[str, str]:
    used = call.parts.jobs.usage(call.user.name).shots_per_day
    return {
        "balance": _balance(call, used),
        "total_used": str(used),
        "created_at": (now - _WINDOW).isoformat(),
        "updated_at": now.isoformat(),
    }


def _balance(call: Call, used: int) -> str:
    allowed = in_force(call.user.quota, call.parts.limits.quota).shots_per_day
    return _ANY if allowed is None else str(max(0, allowed - used))


async def get_transactions(call: Call) -> Response:
    """List the jobs of the last 24 hours as what they used, the newest first."""
    query = parameters_in(call, TransactionQuery)
    return reply(await in_thread(call.service, lambda: _transactions(call, query, datetime.now(UTC))))


def _transactions(call: Call, query: TransactionQuery, now: datetime) -> dict[str, Any]:
    wanted = JobFilter(owner=call.user.name, since=now - _WINDOW)
    found = [record for record in call.parts.jobs.jobs(wanted, _MOST) if not record.uploading]
    start = (query.page - 1) * query.page_size
    end = start + query.page_size
    path = "/api/credits/transactions/?page={}&page_size=" + str(query.page_size)
    return {
        "count": len(found),
        "total_pages": max(1, -(-len(found) // query.page_size)),
        "next": path.format(query.page + 1) if end < len(found) else None,
        "previous": path.format(query.page - 1) if query.page > 1 else None,
        "results": list(_listed(call, found, start, end, now)),
    }


def _listed(call: Call, found: list[JobRecord], start: int, end: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the transactions [start, end), each with the balance behind it."""
    later = 0
    used = call.parts.jobs.usage(call.user.name).shots_per_day
    spent = call.parts.jobs.shots(call.user.name, now - _WINDOW)
    for place, record in enumerate(found[:end]):
        shots = spent.get(record.id, 0)
        if place >= start:
            yield _transaction(record, shots, _balance(call, used - later))
        later += shots


def _transaction(record: JobRecord, shots: int, balance: str) -> dict[str, Any]:
    return {
        "id": record.seq,
        "amount": str(-shots),
        "balance_after": balance,
        "transaction_type": "usage",
        "description": f"{record.circuits:,} circuits on {record.target}",
        "job_id": record.id,
        "created_at": record.created_at.isoformat(),
    }
