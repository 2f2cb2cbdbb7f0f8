"""Query files of one statement: those that are refused, and those that only look as if they should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = "-- name: a({})\n-- Do it.\n-- returns: {}\n"


def query(body: str, parameters: str = "", suffix: str = "", returns: str = "int") -> str:
    """A file of one query whose statement begins on line 4."""
    return HEAD.format(parameters, returns).replace(")\n", f"){suffix}\n", 1) + body + "\n"


SELECT = query("SELECT 1;")

# What is in the file, the line that is at fault, and words of the message: among them the thing's name.
BROKEN: Mapping[str, tuple[str, int, str]] = {
    # the file
    "nothing in it": ("", 1, "holds no queries"),
    "only comments": ("-- Users.\n\n-- More.\n", 1, "holds no queries"),
    "a byte-order mark": ("\ufeff" + SELECT, 1, "byte-order mark"),
    "a statement before the first name": ("-- Users.\n\nSELECT 1;\n" + SELECT, 3, "before the first '-- name:'"),
    "a name twice": (f"{SELECT}\n{SELECT}", 6, "a is defined twice, first on line 1"),
    "a form feed": (query("SELECT 1\n+ 1\f;"), 5, "U+000C"),
    "a line separator in a comment": (query("SELECT 1\n-- one\u2028+ 1\n;"), 5, "U+2028"),
    "a line separator in a string": (query("SELECT\n'a\u2028b';"), 5, "U+2028"),
    # the header
    "no list of parameters": (SELECT.replace("a()", "a"), 1, "declared, parameters"),
    "a name with a hyphen": (SELECT.replace("a()", "by-name()"), 1, "snake_case"),
    "a name with a capital": (SELECT.replace("a()", "byName()"), 1, "snake_case"),
    "a word of Python's": (SELECT.replace("a()", "import()"), 1, "import is a word of Python's"),
    "an indented header": ("\n " + SELECT, 2, "a header is"),
    "a suffix for many": (SELECT.replace("a()", "a()*!"), 1, "suffix *!"),
    "a script": (SELECT.replace("a()", "a()#"), 1, "suffix #"),
    "insert returning": (SELECT.replace("a()", "a()<!"), 1, "suffix <!"),
    "parameters out of order": (query("SELECT :b, :a;", "b, a"), 1, "alphabetical order: a, b"),
    "a parameter twice": (query("SELECT :a;", "a, a"), 1, "once each"),
    "a parameter that no call can name": (query("SELECT :class;", "class"), 1, "the name class"),
    "a parameter that is taken": (query("SELECT :self;", "self"), 1, "the name self"),
    "the connection as a parameter": (query("SELECT :connection;", "connection"), 1, "the name connection"),
    "no sentence": (SELECT.replace("-- Do it.\n", ""), 1, "a lacks a sentence"),
    "no result": (SELECT.replace("-- returns: int\n", ""), 1, "a lacks a '-- returns:'"),
    "a result that is no model": (SELECT.replace("int", "Nothing"), 1, "returns Nothing"),
    "a result that is a module": (SELECT.replace("int", "workflows"), 1, "returns workflows"),
    "a binding that is none": (SELECT.replace("int\n", "int\n-- binding: late\n"), 1, "not late"),
    # parameters
    "an undeclared parameter": (query("SELECT\n1,\n:who;"), 6, ":who is not declared by a"),
    "an unused parameter": (query("SELECT 1;", "who"), 1, "who is declared by a and not used"),
    "a parameter in a string only": (query("SELECT ':who';", "who"), 1, "who is declared by a and not used"),
    "a parameter in a comment only": (query("SELECT 1\n-- :who\n;", "who"), 1, "who is declared by a and not used"),
    "a numbered parameter": (query("SELECT :who,\n$1;", "who"), 5, "give this one a name"),
    "an attribute of a parameter": (query("SELECT\n:who.name;", "who"), 5, ":who."),
    "a parameter behind a string": (query("SELECT :who,\n'a':who;", "who"), 5, ":who follows ''a''"),
    "a parameter behind a cast": (query("SELECT :who,\na:::who;", "who"), 5, ":who follows '::'"),
    "two parameters in one": (query("SELECT :a\n+ :a:b;", "a, b"), 5, ":b follows ':a'"),
    # percent, slices
    "percent in code": (query("SELECT 7\n% 4;"), 5, "%"),
    "percent in a string": (query("SELECT 'a' LIKE\n'%a';"), 5, "%"),
    "percent in a name": (query('SELECT 1 AS\n"%";'), 5, "%"),
    "percent in a dollar quote": (query("SELECT\n$$ 100 % $$;"), 5, "%"),
    "percent behind SQL": (query("SELECT 1,\n1 -- 100 %\n;"), 5, "%"),
    "a slice": (query("SELECT ARRAY[1]\n[1:2];"), 5, "slice"),
    "a slice by columns": (query("SELECT a\n[lo:hi] FROM t;", "hi"), 5, ":hi follows 'lo' like the bound of an array"),
    "a slice from nothing": (query("SELECT a\n[:hi] FROM t;", "hi"), 5, "slice"),
    "a slice to nothing": (query("SELECT a\n[lo:] FROM t;"), 5, "slice"),
    "a slice by a name in quotes": (query('SELECT a\n["lo":hi] FROM t;', "hi"), 5, "slice"),
    # strings and comments
    "a parameter in a dollar quote": (query("SELECT 1,\n$$\n:x $$;"), 6, "sees a parameter"),
    "a parameter in a tagged quote": (query("SELECT\n$f$ :x $f$;"), 5, "sees a parameter"),
    "an apostrophe in a dollar quote": (query("SELECT\n$$it's$$, :x, 'b', :x;", "x"), 5, "string or comment at '"),
    "a comment in a dollar quote": (query("SELECT\n$$ /* $$, 1, $$ */ $$;"), 5, "begin a string or comment at /*"),
    "a dollar in a name": (query("SELECT\na$b$c$b$;"), 5, "a$"),
    "a parameter in an E string": (query(r"SELECT" "\n" r"E'\t:x';"), 5, "sees a parameter"),
    "an escaped quote": (query("SELECT\nE'it\\'s', 1;"), 5, "two quotes"),
    "a string without end": (query("SELECT 1,\n'abc;"), 5, "has no end"),
    "a name without end": (query('SELECT 1 AS\n"abc;'), 5, "has no end"),
    "an empty name": (query('SELECT 1 AS\n"";'), 5, "not empty"),
    "a space at the end of a line in a string": (query("SELECT 1,\n'a \nb';"), 5, "end of a line"),
    "a line of a string that looks like a comment": (query("SELECT 1,\n'a\n  -- b';"), 5, "lines that begin with --"),
    "a block comment": (query("SELECT 1\n/* one */;"), 5, "/* */"),
    "a hint": (query("/*+ SeqScan(t) */\nSELECT 1;"), 4, "/* */"),
    "a word of a comment behind SQL": (query("SELECT 1,\n2 -- see :x\n;"), 5, ":words"),
    "an apostrophe behind SQL": (query("SELECT 1,\n2 -- it's\n;"), 5, "quotes"),
    "a name in a string": (query("SELECT 1,\n'-- name: b()\n';"), 5, "begins a new query"),
    "a name in a comment": (query("SELECT 1,\n2 -- see -- name: b()\n;"), 5, "begins a new query"),
    "a name in the sentence": (SELECT.replace("Do it.", "Do -- name: b() it."), 2, "begins a new query"),
    "a name over two lines": (query("SELECT\n--\nname::text FROM t;"), 5, "begins a new query"),
    "a name before the first": (f"-- Users. -- name: b()\n{SELECT}", 1, "begins a new query"),
    "a space that is none": (query("SELECT\n1\u00a0+ 1;"), 5, "U+00A0"),
    # statements
    "no statement": (query(""), 1, "a has no statement"),
    "only a semicolon": (query(";"), 1, "a has no statement"),
    "no semicolon": (query("SELECT 1"), 4, "a must be one statement that ends in a semicolon"),
    "two statements": (query("SELECT 1;\nSELECT 2;"), 5, "a must be one statement"),
    "nothing but a string": (query("'a';"), 1, "a returns no rows"),
    "a lazy update": (query("UPDATE t SET a = 1;"), 1, "a returns no rows; give it the suffix !"),
    "a lazy delete": (query("DELETE FROM t;", suffix="^"), 1, "a returns no rows; give it the suffix !"),
    "rows thrown away": (query("DELETE FROM t RETURNING id;", suffix="!"), 1, "a throws away the rows"),
}  # fmt: skip

# A statement, its parameters, its arguments, and what comes back.
TRICKY: Mapping[str, tuple[str, str, dict[str, Any], list[Any]]] = {
    "casts": ("SELECT :a::text::integer + '4'::integer;", "a", {"a": "3"}, [7]),
    "a cast with spaces": ("SELECT :a :: integer;", "a", {"a": "3"}, [3]),
    "a cast of a column": ("SELECT t.data::jsonb->>'x' FROM (VALUES ('{\"x\": 1}')) AS t (data);", "", {}, ["1"]),
    "a comment with an apostrophe": ("SELECT 1 +\n-- it's one's: :a, 100 %\n    -- \"and indented\n2;", "", {}, [3]),
    "a comment before the statement": ("\n-- it's :so\nSELECT 1;", "", {}, [1]),
    "a comment behind SQL": ("SELECT 1 -- one; a::b\n+ 1;", "", {}, [2]),
    "a time in a string": ("SELECT '12:30'::time::text;", "", {}, ["12:30:00"]),
    "a word in a string": ("SELECT ':a' || :a::text;", "a", {"a": "b"}, [":ab"]),
    "doubled quotes": ("SELECT 'it''s :a' || :a::text || '''';", "a", {"a": "b"}, ["it's :ab'"]),
    "comment signs in a string": ("SELECT '-- /* */ ;' || :a::text;", "a", {"a": "b"}, ["-- /* */ ;b"]),
    "a name in quotes": ('SELECT 1 AS "it\'s a "":b"", --";', "", {}, [1]),
    "a dollar quote": ("SELECT $$a; b$$ || $f$ $$ $f$ || :a::text;", "a", {"a": "b"}, ["a; b $$ b"]),
    "a dollar quote of many lines": ("SELECT $$a\nb\n$$;", "", {}, ["a\nb\n"]),
    "an E string": (r"SELECT E'a\tb''\u00e4\\' || 'c\';", "", {}, ["a\tb'ä\\c\\"]),
    "a string of many lines": ("SELECT 'a\n  b\n\nc' || :a::text;", "a", {"a": "d"}, ["a\n  b\n\ncd"]),
    "unicode": ("SELECT 'ä日\U0001f600\u00a0' || :größe AS \"ö\";", "größe", {"größe": "x"}, ["ä日\U0001f600\xa0x"]),
    "an escaped unicode name": ("SELECT U&'\\00e4' AS U&\"\\00e4\";", "", {}, ["ä"]),
    "named arguments": ("SELECT make_date(year => :a, month := :b, day:=5)::text;", "a, b", {"a": 987, "b": 6},
        ["0987-06-05"],
    ),
    "an index into an array": ("SELECT (:a::integer[])[2] + (ARRAY[ :b, 5])[1];", "a, b", {"a": [1, 2], "b": 3}, [5]),
    "question marks": ("SELECT '{\"a\": 1}'::jsonb ? :a AND '[\"a\"]'::jsonb ?| ARRAY['b', 'a'];", "a", {"a": "a"},
        [True],
    ),
    "a path": ("SELECT jsonb_path_query_first(:a::jsonb, '$.x[*] ? (@ > 1)')::text;", "a", {"a": {"x": [1, 2]}}, ["2"]),
    "a cast to JSON in capitals": ("SELECT :a::JSONB->>'x';", "a", {"a": {"x": 1}}, ["1"]),
    "an array of JSON": ("SELECT (:a::jsonb[])[2]->>'x';", "a", {"a": [None, {"x": 2}]}, ["2"]),
    "null": ("SELECT :a::jsonb IS NULL;", "a", {"a": None}, [True]),
    "one parameter many times": ("SELECT :a::integer + :a-:a*:a;", "a", {"a": 3}, [-3]),
    "a parameter next to signs": ("SELECT (:a::integer)+:b,:a;", "a, b", {"a": 1, "b": 2}, [3]),
    "no white space": ("SELECT(1)::text;", "", {}, ["1"]),
    "values": ("VALUES (1), (2);", "", {}, [1, 2]),
    "brackets": ("(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1;", "", {}, [1, 2]),
    "no rows": ("SELECT 1 WHERE false;", "", {}, []),
    "a write in a CTE": (
        "WITH added AS (INSERT INTO things (id) VALUES (:a), (:a + 1) RETURNING id) SELECT id FROM added ORDER BY id;",
        "a", {"a": 10}, [10, 11],
    ),
    "a write that returns": ("INSERT INTO things (id, name) VALUES (:a, ':a') RETURNING name;", "a", {"a": 1}, [":a"]),
}  # fmt: skip
