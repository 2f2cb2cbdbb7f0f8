"""What can be said of a statement from its parse tree and the tables' definitions, without running anything.

`scopes` finds out which name is which table; `bounds` which columns are held by parameters; the other modules
are one family of rules each. No regular expression looks at SQL.
"""
