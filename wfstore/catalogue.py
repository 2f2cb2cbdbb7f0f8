"""wfstore's own queries, loaded and checked once."""

from __future__ import annotations

from wfstore import models
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.resources import QUERIES

CATALOGUE = Catalogue(QUERIES, models)
