"""`wfstore stubs`: what type checkers and editors know of queries, written from what a live server says of them.

`signatures` makes a signature of an examined query, `describing` examines a folder of them, `rendering` writes
the `.pyi`, `own` says which stubs wfstore itself has, `reading` reads them back for `wfstore queries`.
"""
