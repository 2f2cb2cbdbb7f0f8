"""`wfstore check`: no query ships that PostgreSQL has not accepted, and whose header does not say what it does.

`positioned` gives a query's text to the server so that every position in an error is one in the file; the
checks return `Finding`s; `finding` shows them as a compiler would. Needs the extra `wfstore[check]`.
"""
