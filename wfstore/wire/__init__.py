"""How calls travel: several statements in one round trip, by libpq's pipeline mode, for both faces.

psycopg's cursors do it one statement at a time, and find out anew what each argument and column is. Here a query is
prepared once for each connection, its parameters have the types that the query file says, arrays and rows go in
PostgreSQL's binary form. docs/performance.md says what that gives.
"""
