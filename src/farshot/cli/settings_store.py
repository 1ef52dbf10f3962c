"""The store that the settings name, for the service and for those who look after its users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from farshot.config import data_folder
from farshot.store import open_engine, sqlite_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from farshot.config.settings import ServiceSettings


def open_store(settings: ServiceSettings) -> Engine:
    """Open the store, which is made where it is missing; raises `StoreError`."""
    return open_engine(settings.server.store or sqlite_url(data_folder(settings.server.data_dir)))


def store_text(settings: ServiceSettings) -> str:
    """Return where the store is, without its password."""
    if settings.server.store is None:
        return str(data_folder(settings.server.data_dir))
    try:
        return make_url(settings.server.store).render_as_string(hide_password=True)
    except ArgumentError:
        return "no address of a store"
