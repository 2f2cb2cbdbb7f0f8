"""The async face: `connect` and `queries`."""

from wfstore.aio.connecting import connect
from wfstore.aio.queries import AsyncQueries
from wfstore.aio.store import AsyncStore, AsyncTransaction
from wfstore.catalogue import CATALOGUE

queries = AsyncQueries(CATALOGUE)

__all__ = ["AsyncStore", "AsyncTransaction", "connect", "queries"]
