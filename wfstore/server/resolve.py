"""From what the user said, or did not say, to a libpq URL."""

from __future__ import annotations

import logging
import os

from wfstore.errors import InvalidInput
from wfstore.server import urls
from wfstore.server.embedded import EmbeddedServer
from wfstore.server.home import default_home

_log = logging.getLogger("wfstore.server")


def resolve(database_url: str | None, role: urls.Role) -> str:
    """Return the libpq URL to connect to as `role`.

    `database_url`, or else the variable DATABASE_URL, names the server. Without either it is the embedded one,
    which is started when needed, and stays up.
    """
    if database_url == "":  # an empty variable of a script, most likely; not a wish for another server
        raise InvalidInput("the database URL is empty", hint="Leave it out to use the embedded PostgreSQL.")
    given = database_url or os.environ.get("DATABASE_URL")
    if given:
        return urls.with_role(given, role)
    server = EmbeddedServer(default_home())
    if server.start():
        # a warning, as Python shows those on standard error where nobody set up logging
        _log.warning("Started the embedded PostgreSQL in %s; `wfstore down` stops it.", server.home)
    return server.url(role)
