"""Examples of the documents of the API: written here if members exclude each other, else made from the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


_BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;'
_JOB = "01ktz4m8v2q9f6hw"
_TIME = "2026-01-31T12:00:00Z"
_METADATA = {"simulator": "prism", "method": "stabilizer", "exact": True, "seed": "7", "shots": 1000, "seconds": 0.0004}
_ERROR = {"code": "parse", "message": "';' is missing", "line": 4, "column": 9}

_USAGE = {"queued_circuits": 400, "running_shards": 2, "shots_per_day": 1_250_000, "stored_bytes": 73_400_320}
_QUOTA = {"queued_circuits": 10_000, "running_shards": 4, "shots_per_day": None, "stored_bytes": 10 * 2**30}

_DOCUMENTS: dict[str, Any] = {
    "JobRequest": {"circuits": {"bell": _BELL}, "shots": 1000, "seed": "7", "target": "auto", "tag": "first steps"},
    "PartRequest": {"circuits": {"bell-2": _BELL}},
    "FinalizeRequest": {"circuits": 2},
    "TemplateDocument": {"source": "OPENQASM 3.0; qubit q; bit c; ry(t) q; c = measure q;", "parameters": ["t"]},
    "CircuitsDocument": {"job_id": _JOB, "first": 0, "circuits": {"bell": _BELL}, "next": None},
    "ResultsDocument": {
        "job_id": _JOB,
        "status": "FAILED",
        "results": [
            {"label": "bell", "results": {"00": 507, "11": 493}, "metadata": {**_METADATA, "attempt": 1}},
            {"label": "torn", "error": _ERROR},
        ],
        "next": None,
    },
    "UsageDocument": {"name": "ada", "usage": _USAGE, "quota": _QUOTA},
    "Problem": {
        "type": "/problems/quota",
        "title": "That would be more than the user may have",
        "status": 429,
        "detail": "10,000 circuits are queued, and 10,000 may be",
        "retry_after": 30.0,
    },
}
_MEMBERS: dict[str, Any] = {
    "job_id": _JOB,
    "status": "RUNNING",
    "owner": "ada",
    "name": "ada",
    "role": "user",
    "tag": "first steps",
    "target": "auto",
    "cursor": "1042",
    "next": None,
    "fault": None,
    "error": None,
    "code": "timeout",
    "message": "the job took longer than 60 s",
    "simulator": "prism",
    "seed": "7",
    "method": None,
    "unavailable": None,
    "ham_ops": None,
    "circuit_ham_map": None,
    "shot_groups": None,
    "circuits_cancelled": None,
    "finished_at": None,
    "expires_at": None,
    "revoked_at": None,
    "parts": None,
    "created_at": _TIME,
    "started_at": "2026-01-31T12:00:01Z",
    "circuits": 100,
    "done": 40,
    "failed": 1,
    "shots": 1000,
    "run_time": 0.8,
    "seconds": 1.2,
    "low": 0.9,
    "high": 1.6,
    "priority": 0,
    "memory_bytes": 2 * 2**30,
    "circuit_timeout": 60.0,
    "complete": True,
}


def example_of(name: str, schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON
    """Return an example of the document `name`, whose schema is among `schemas`."""
    if name in _DOCUMENTS:
        return _DOCUMENTS[name]
    schema = schemas[name]
    if "properties" not in schema:
        return _sample(name, schema, schemas)
    return {member: _sample(member, given, schemas) for member, given in schema["properties"].items()}


def _sample(member: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON
    """Return a value that a member may have."""
    if "$ref" in schema:
        return example_of(schema["$ref"].rpartition("/")[2], schemas) if member != "status" else _MEMBERS[member]
    if member in _MEMBERS:
        return _MEMBERS[member]
    if "anyOf" in schema:
        return _sample(member, schema["anyOf"][0], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    return _sample_type(member, schema, schemas)


def _sample_type(member: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON
    match schema.get("type"):
        case "array":
            return [_sample(member.removesuffix("s"), schema.get("items", {}), schemas)]
        case "object":
            return {}
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            return _TIME if member.endswith("_at") else member
