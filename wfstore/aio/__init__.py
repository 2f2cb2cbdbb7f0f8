"""The async face: `connect` and `queries`."""

from wfstore.aio.connecting import connect
from wfstore.aio.store import AsyncStore, AsyncTransaction
from wfstore.aio.typed import AsyncTypedQueries
from wfstore.catalogue import CATALOGUE

queries = AsyncTypedQueries(CATALOGUE)

__all__ = ["AsyncStore", "AsyncTransaction", "connect", "queries"]
