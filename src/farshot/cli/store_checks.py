"""What `doctor` says of a store: the one in the data folder, and the one that the settings name. Neither is changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from farshot.cli.check import Check
from farshot.errors import FarshotError
from farshot.store import FILE_NAME, SCHEMA_VERSION, inspect_store

if TYPE_CHECKING:
    from farshot.store import Inspection


_CONNECT_SECONDS = 5
_RESTORE = "choose another --data-dir, or restore a back-up"
_START = "start PostgreSQL, or put server.store (--store, FARSHOT_SERVER_STORE) right"
_IN_FOLDER, _IN_SETTINGS = "store", "store of the service"


def store_check(folder: Path) -> Check:
    """Say whether the store in a data folder can be used, and is whole."""
    file = folder / FILE_NAME
    if not file.exists():
        return Check(_IN_FOLDER, ok=True, detail="none yet")
    try:
        found = inspect_store(URL.create("sqlite", database=str(file)))
    except FarshotError as error:
        return Check(_IN_FOLDER, ok=False, detail=str(error), advice=_RESTORE)
    return _check(_IN_FOLDER, found, "", f"a copy of {file}")


def server_check(url: str) -> Check:
    """Say whether the store that the settings name can be used, and is whole."""
    try:
        place = make_url(url)
        found = inspect_store(_bounded(place))
    except ArgumentError:
        return Check(_IN_SETTINGS, ok=False, detail="that is no address of a store", advice=_START)
    except FarshotError as error:
        return Check(_IN_SETTINGS, ok=False, detail=str(error), advice=_START)
    return _check(_IN_SETTINGS, found, f"{place.render_as_string()}: ", "what `pg_dump` writes")


def _bounded(place: URL) -> URL:
    """Have a server that does not answer given up soon."""
    if place.drivername == "sqlite":
        return place
    return place.update_query_dict({"connect_timeout": str(_CONNECT_SECONDS)})


def _check(name: str, found: Inspection, place: str, copy: str) -> Check:
    if found.faults:
        return Check(name, ok=False, detail="\n".join([f"{place}damaged:", *found.faults]), advice=_RESTORE)
    if found.obstacle:
        advice = "allow that, or choose another store"
        return Check(name, ok=False, detail=f"{place}{found.obstacle}", advice=advice)
    if found.version is None:
        return Check(name, ok=True, detail=f"{place}no store yet: what opens it first makes one")
    detail = f"{place}whole, schema {found.version}"
    if not found.is_older:
        return Check(name, ok=True, detail=detail)
    advice = (
        f"the next command or service that opens it brings it to {SCHEMA_VERSION}, for good: an older Farshot opens it "
        f"no more. {copy[0].upper()}{copy[1:]} beforehand, while nothing uses it, is the way back"
    )
    return Check(name, ok=True, detail=f"{detail}: older than this Farshot's, {SCHEMA_VERSION}", advice=advice)
