"""libpq URLs: checked, for another role, with the password masked, as yoyo reads them.

A URL that somebody gave us is edited in place, never taken apart and built anew: what we do not understand
stays as it was written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from wfstore.errors import InvalidInput

MASK = "***"
PORT = 5432  # of the embedded server; it is only a part of its socket's name
_SCHEMES = ("postgresql", "postgres")
_SECRETS = ("password", "sslpassword", "oauth_client_secret")


class Role(StrEnum):
    """Who a connection works as."""

    APP = "app"
    WORKER = "worker"
    READONLY = "readonly"
    OWNER = "owner"
    ADMIN = "admin"

    @property
    def database_role(self) -> str | None:
        """The role's name in the database; None for the administrator, whose name is the server's affair."""
        return None if self is Role.ADMIN else f"wfstore_{self.value}"


@dataclass(frozen=True)
class _Parts:
    """`scheme://[credentials@]place[?query]`, each part as it was written."""

    scheme: str
    credentials: str | None
    place: str
    query: str | None

    def __str__(self) -> str:
        credentials = "" if self.credentials is None else f"{self.credentials}@"
        query = "" if self.query is None else f"?{self.query}"
        return f"{self.scheme}://{credentials}{self.place}{query}"

    def pairs(self) -> list[tuple[str, str]]:
        """The query's keywords and values, still percent-encoded."""
        return [
            (key, value) for key, _, value in (pair.partition("=") for pair in (self.query or "").split("&")) if key
        ]


def _split(url: str) -> _Parts:
    """Split as libpq does: credentials end at the first `@` that stands before the first `/`."""
    scheme, _, rest = url.partition("://")
    end = next((index for index, char in enumerate(rest) if char in "@/"), None)
    credentials = None
    if end is not None and rest[end] == "@":
        credentials, rest = rest[:end], rest[end + 1 :]
    place, mark, query = rest.partition("?")
    return _Parts(scheme, credentials, place, query if mark else None)


def check(url: str) -> dict[str, str]:
    """Return the parameters of a libpq URL, or refuse it without repeating its password."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise InvalidInput(
            "the database URL is not a URL",
            hint="It looks like postgresql://user@host:5432/database, as psql takes it.",
        )
    if scheme not in _SCHEMES:
        raise InvalidInput(
            f"the database URL begins with {scheme}://, which is not PostgreSQL's",
            hint="Write postgresql:// instead, as psql takes it; a driver's name does not belong there.",
        )
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError as error:
        # libpq quotes what it could not read, which may be, or may contain, the password
        reason = f": {error}".rstrip() if mask_password(url) == url else ""
        raise InvalidInput(
            f"the database URL {mask_password(url)} cannot be read{reason}",
            hint="Special characters in a name or a password are percent-encoded: @ is %40, / is %2F, : is %3A.",
        ) from None


def with_role(url: str, role: Role) -> str:
    """The same URL for another role: its user logs in, and works as `role` from the first statement on."""
    parameters = check(url)
    name = role.database_role
    if name is None or (parameters.get("user") == name and "role=" not in parameters.get("options", "")):
        return url
    wanted = f"-c role={name}"
    given = parameters.get("options", "")
    if given.endswith(wanted):
        return url
    options = f"{given} {wanted}".strip()  # of two settings of one name the later one holds
    parts = _split(url)
    pairs = [(key, value) for key, value in parts.pairs() if unquote(key) != "options"]
    pairs.append(("options", quote(options, safe="")))
    return str(replace(parts, query="&".join(f"{key}={value}" for key, value in pairs)))


def socket_url(folder: Path, user: str, database: str, *, role: str | None = None) -> str:
    """The URL of the server that listens in `folder`; the port is named, as PGPORT would change it otherwise."""
    url = f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={quote(str(folder))}&port={PORT}"
    return url if role is None else f"{url}&options={quote(f'-c role={role}', safe='')}"


def mask_password(url: str) -> str:
    """The URL with `***` for each password in it, to be shown."""
    parts = _split(url)
    credentials = parts.credentials
    if credentials is not None and ":" in credentials:
        credentials = f"{credentials.partition(':')[0]}:{MASK}"
    if parts.query is None:
        return str(replace(parts, credentials=credentials))
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    query = "&".join(f"{key}={MASK}" if unquote(key) in _SECRETS else key + eq + value for key, eq, value in pairs)
    return str(replace(parts, credentials=credentials, query=query))


def yoyo_url(url: str) -> str:
    """The URL as `yoyo --database` reads it, for psycopg 3.

    yoyo does not decode a host or a database name and cannot read a list of hosts; parameters in the query it
    decodes and hands to psycopg as they are. So only user, password and a plain database name stay in place.
    """
    parameters = check(url)
    user, password = parameters.pop("user", None), parameters.get("password")
    credentials = ""
    if user is not None:
        parameters.pop("password", None)
        secret = "" if password is None else f":{quote(password, safe='')}"
        credentials = f"{quote(user, safe='')}{secret}@"
    database = parameters.get("dbname", "")
    if quote(database, safe="") == database:
        parameters.pop("dbname", None)
    else:
        database = ""
    query = "&".join(f"{key}={quote(value, safe='/,')}" for key, value in parameters.items())
    return f"postgresql+psycopg://{credentials}/{database}" + (f"?{query}" if query else "")
