"""The statements of `queries/migrations.sql`.

Not from `wfstore.queries`, which is made after this module: connecting compares the schema with the migrations.
"""

from __future__ import annotations

from wfstore.catalogue import CATALOGUE
from wfstore.sync.queries import Queries

statements = Queries(CATALOGUE).migrations
