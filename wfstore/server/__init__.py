"""Which PostgreSQL: the one that a URL names, or an embedded one that is started when needed."""

from wfstore.server.embedded import EmbeddedServer
from wfstore.server.home import default_home
from wfstore.server.resolve import resolve
from wfstore.server.urls import Role, mask_password, yoyo_url

__all__ = ["EmbeddedServer", "Role", "default_home", "mask_password", "resolve", "yoyo_url"]
