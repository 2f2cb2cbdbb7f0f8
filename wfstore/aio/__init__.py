"""The async face: `connect` and `queries`."""

from wfstore.aio.connecting import connect
from wfstore.aio.group_commit import AsyncGroupWriter
from wfstore.aio.store import AsyncStore, AsyncTransaction
from wfstore.aio.typed import AsyncTypedQueries
from wfstore.catalogue import CATALOGUE

queries = AsyncTypedQueries(CATALOGUE)

__all__ = ["AsyncGroupWriter", "AsyncStore", "AsyncTransaction", "connect", "queries"]
