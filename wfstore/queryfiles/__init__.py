"""Query files: `.sql` files whose named statements become methods.

`scan` reads a file the way PostgreSQL would and refuses what aiosql would misread; `query` is one statement
with its parameters and its result type; `catalogue` loads a folder of files into namespaces.
"""
