"""The sync face, derived from `wfstore.aio` by `.ci/derive_sync.py`; `import wfstore` offers it."""
