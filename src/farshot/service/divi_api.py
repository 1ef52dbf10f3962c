"""The routes of the API of Divi's cloud client under `/api`, on the jobs, users, quotas and limits of the service.

Two versions of the client use it, 0.12 and 0.15, and both are served at once; `farshot.service.divi` has the handlers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.service.divi import account, configurations, results
from farshot.service.divi import jobs as divi_jobs
from farshot.service.divi.documents import AddRequest, ConfigRequest, DiviQuery, InitRequest, TransactionQuery
from farshot.service.jobs import delete_job
from farshot.service.routes import Route

if TYPE_CHECKING:
    import msgspec

    from farshot.service.routes import Handler


def _route(
    method: str,
    path: str,
    handler: Handler,
    body: type[msgspec.Struct] | None = None,
    query: type[msgspec.Struct] | None = None,
) -> Route:
    return Route(method=method, path=f"/api/{path}", handler=handler, body=body, query=query, answers={})


DIVI_ROUTES = (
    _route("GET", "", account.greet),
    _route("GET", "qpusystem/", account.list_qpu_systems),
    _route("GET", "simulatorcluster/", account.list_clusters),
    _route("GET", "vendor-config-blueprint/", account.list_vendor_blueprints),
    _route("GET", "credits/", account.get_credits),
    _route("GET", "credits/transactions/", account.get_transactions, query=TransactionQuery),
    _route("POST", "job/init/", divi_jobs.init_job, InitRequest),
    _route("POST", "job/{job_id}/add_circuits/", divi_jobs.add_circuits, AddRequest),
    _route("GET", "job/{job_id}/status/", divi_jobs.get_divi_status),
    _route("GET", "job/{job_id}/resultsV2/", results.get_divi_results, query=DiviQuery),
    _route("POST", "job/{job_id}/cancel/", divi_jobs.cancel_divi_job),
    _route("DELETE", "job/{job_id}", delete_job),
    _route("GET", "job/{job_id}/execution_config/", configurations.get_execution_config),
    _route("POST", "job/{job_id}/execution_config/", configurations.set_execution_config, ConfigRequest),
    _route("POST", "job/{job_id}/submit_qubo/", divi_jobs.submit_qubo),
    _route("GET", "job/{job_id}/validation_result/", divi_jobs.submit_qubo),
    _route("GET", "job/{job_id}/validation_result/html/", divi_jobs.submit_qubo),
)
"""Every route; trailing slashes are exactly as the client sends them."""
