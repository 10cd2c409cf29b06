# SPDX-License-Identifier: Apache-2.0
"""Queries of every shape, each with the rows that Python computes for it: for sessions of any kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spark_cases import TEXTS, TINY, Reference

IDS = range(len(TEXTS))
FEW = range(12)
KINDS = ("kind 0", "kind 1", "kind 2")


def embedded(text: str) -> str:
    return f"embed({text}, '{TINY}', dims => 4)"


E, A, B = embedded("text"), embedded("a.text"), embedded("b.text")
K, Q = embedded("kind"), embedded("'a query'")
R = embedded("concat(kind, ' of ', id)")  # another vector for every row
STORED = "CREATE TABLE stored USING parquet AS SELECT * FROM docs"
PARTS = "CREATE TABLE by_kind USING parquet PARTITIONED BY (kind) AS SELECT id, text, kind FROM docs"


class Answers:
    """Vectors as tuples, so that rows can be compared and sorted."""

    def __init__(self, reference: Reference):
        self._reference = reference
        self._known: dict = {}

    def of(self, text: str | None, **options) -> tuple[float, ...] | None:
        key = (text, *options.items())
        if text is not None and key not in self._known:
            self._known[key] = tuple(self._reference(text, TINY, **{"dims": 4, **options}).tolist())
        return self._known.get(key)

    def v(self, i: int) -> tuple[float, ...] | None:
        return self.of(TEXTS[i])

    def x(self, i: int) -> float | None:
        """What E[0] gives."""
        vector = self.v(i)
        return None if vector is None else vector[0]

    def k(self, i: int) -> tuple[float, ...]:
        return self.of(KINDS[i % 3])

    def r(self, i: int) -> tuple[float, ...]:
        return self.of(f"kind {i % 3} of {i}")

    @property
    def some(self) -> list[int]:
        return [i for i in IDS if TEXTS[i] is not None]

    @property
    def positive(self) -> list[int]:
        return [i for i in self.some if self.x(i) > 0]


@dataclass
class Shape:
    name: str
    query: str
    rows: Callable[[Answers], list]  # tuples, in any order unless the query sorts
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    ordered: bool = False


PROJECTIONS = [
    Shape("select", f"SELECT id, {E} FROM docs", lambda a: [(i, a.v(i)) for i in IDS]),
    Shape("two inputs", f"SELECT id, {E}, {K} FROM docs", lambda a: [(i, a.v(i), a.k(i)) for i in IDS]),
    Shape(
        "two options",
        f"SELECT id, {E}, embed(text, '{TINY}', dims => 2, normalize => true) FROM docs",
        lambda a: [(i, a.v(i), a.of(TEXTS[i], dims=2, normalize=True)) for i in IDS],
    ),
    Shape(
        "within functions",
        f"SELECT id, {E}[0], size(coalesce({E}, array())), {E} IS NULL FROM docs",
        lambda a: [(i, a.x(i), 0 if a.v(i) is None else 4, a.v(i) is None) for i in IDS],
    ),
    Shape(
        "of a call's result",
        f"SELECT id, embed(concat('is ', cast({E}[0] > 0 AS string)), '{TINY}', dims => 4) FROM docs",
        lambda a: [(i, None if a.v(i) is None else a.of(f"is {str(a.x(i) > 0).lower()}")) for i in IDS],
    ),
    Shape(
        "case",
        f"SELECT id, CASE WHEN id < 5 THEN {E} WHEN kind = 'kind 1' THEN {K} END FROM docs",
        lambda a: [(i, a.v(i) if i < 5 else a.k(i) if i % 3 == 1 else None) for i in IDS],
    ),
    Shape(
        "if",
        f"SELECT id, if({E}[0] > 0, {K}, {R}) FROM docs WHERE text IS NOT NULL",
        lambda a: [(i, a.k(i) if a.x(i) > 0 else a.r(i)) for i in a.some],
    ),
    Shape("coalesce", f"SELECT id, coalesce({E}, {K}) FROM docs", lambda a: [(i, a.v(i) or a.k(i)) for i in IDS]),
    Shape(
        "struct",
        f"SELECT id, s.v[1] FROM (SELECT id, named_struct('v', {E}, 'n', 1) AS s FROM docs)",
        lambda a: [(i, a.v(i) and a.v(i)[1]) for i in IDS],
    ),
    Shape("map", f"SELECT id, map('e', {E})['e'] FROM docs", lambda a: [(i, a.v(i)) for i in IDS]),
    Shape(
        "details",
        f"SELECT id, d.embedding, d.truncated, d.error FROM (SELECT id, embed_details(text, '{TINY}', dims => 4) AS d"
        " FROM docs WHERE id < 8)",
        lambda a: [(i, a.v(i), None if TEXTS[i] is None else False, None) for i in range(8)],
    ),
    Shape(
        "try_embed",
        f"SELECT id, try_embed(text, '{TINY}', dims => 4, max_tokens => 64, long_text => 'error') FROM docs"
        " WHERE id < 10",
        lambda a: [(i, None if len(TEXTS[i] or "") > 100 else a.v(i)) for i in range(10)],
    ),
    Shape(
        "in windows",
        f"SELECT id, embed(text, '{TINY}', dims => 4, max_tokens => 9, long_text => 'chunk', window => 8, overlap => 2)"
        " FROM docs",
        lambda a: [(i, a.of(TEXTS[i], max_tokens=9, long_text="chunk", window=8, overlap=2)) for i in IDS],
    ),
    Shape(
        "constant",
        f"SELECT id, {Q} FROM docs",
        lambda a: [(i, a.of("a query")) for i in IDS],
    ),
    Shape(
        "no table",
        f"SELECT {Q}, embed(NULL, '{TINY}')",
        lambda a: [(a.of("a query"), None)],
    ),
    Shape(
        "values",
        f"SELECT x, {embedded('x')} FROM VALUES ('one'), ('two'), (NULL) AS t(x)",
        lambda a: [(x, a.of(x)) for x in ("one", "two", None)],
    ),
    Shape(
        "range",
        f"SELECT id, embed(concat('n', id), '{TINY}', dims => 4) FROM range(30)",
        lambda a: [(i, a.of(f"n{i}")) for i in range(30)],
    ),
]

ARRAYS = [
    Shape(
        "lambda",
        f"SELECT id, transform(array(kind, text), x -> {embedded('x')}) FROM docs WHERE id < 12",
        lambda a: [(i, (a.k(i), a.v(i))) for i in FEW],
    ),
    Shape(
        "lambda with an outer column",
        f"SELECT id, transform(array('a', 'b'), x -> {embedded('concat(x, kind)')}[0]) FROM docs WHERE id < 12",
        lambda a: [(i, tuple(a.of(f"{x}kind {i % 3}")[0] for x in "ab")) for i in FEW],
    ),
    Shape(
        "condition of a lambda",
        f"SELECT id FROM docs WHERE id < 12 AND exists(array(text, kind), x -> {embedded('x')}[0] > 0)",
        lambda a: [(i,) for i in FEW if (a.x(i) or -1) > 0 or a.k(i)[0] > 0],
    ),
    Shape(
        "lambda over a vector",
        f"SELECT id, transform({E}, x -> x > 0) FROM docs",
        lambda a: [(i, a.v(i) and tuple(x > 0 for x in a.v(i))) for i in IDS],
    ),
    Shape(
        "explode",
        f"SELECT id, x FROM docs LATERAL VIEW explode({E}) AS x",
        lambda a: [(i, x) for i in a.some for x in a.v(i)],
    ),
    Shape(
        "outer posexplode",
        f"SELECT id, p, x FROM docs LATERAL VIEW OUTER posexplode({E}) AS p, x WHERE id < 12",
        lambda a: [
            row for i in FEW for row in ([(i, p, x) for p, x in enumerate(a.v(i))] if a.v(i) else [(i, None, None)])
        ],
    ),
    Shape(
        "of exploded texts",
        f"SELECT id, word, {embedded('word')} FROM docs LATERAL VIEW explode(split(text, ' ')) AS word WHERE id < 2",
        lambda a: [(i, word, a.of(word)) for i in range(2) for word in TEXTS[i].split(" ")],
    ),
    Shape(
        "inline",
        f"SELECT id, col1, col2 FROM docs LATERAL VIEW inline(array(struct({E}, {K}))) t WHERE id < 12",
        lambda a: [(i, a.v(i), a.k(i)) for i in FEW],
    ),
    Shape(
        "lateral subquery",
        f"SELECT d.id, s.v FROM docs d, LATERAL (SELECT {embedded('d.text')} AS v) s",
        lambda a: [(i, a.v(i)) for i in IDS],
    ),
]

FILTERS = [
    Shape("where", f"SELECT id FROM docs WHERE {E}[0] > 0", lambda a: [(i,) for i in a.positive]),
    Shape(
        "where and select",
        f"SELECT id, {E} FROM docs WHERE {E}[0] > 0 AND id % 2 = 0",
        lambda a: [(i, a.v(i)) for i in a.positive if i % 2 == 0],
    ),
    Shape(
        "where or",
        f"SELECT id FROM docs WHERE {E}[0] > 0 OR {K}[0] > 0",
        lambda a: [(i,) for i in IDS if (a.x(i) or -1) > 0 or a.k(i)[0] > 0],
    ),
    Shape(
        "partition column alone",
        f"SELECT id FROM by_kind WHERE {K}[0] > 0",
        lambda a: [(i,) for i in IDS if a.k(i)[0] > 0],
        (PARTS,),
        ("DROP TABLE by_kind",),
    ),
    Shape(
        "partition column and another",
        f"SELECT id, {E} FROM by_kind WHERE {K}[0] < 100 AND {E}[0] > 0 AND kind <> 'kind 2'",
        lambda a: [(i, a.v(i)) for i in a.positive if i % 3 != 2],
        (PARTS,),
        ("DROP TABLE by_kind",),
    ),
    Shape(
        "pruned by a join",
        f"SELECT p.id FROM by_kind p JOIN (SELECT DISTINCT kind FROM docs WHERE {K}[0] > 0) k ON p.kind = k.kind",
        lambda a: [(i,) for i in IDS if a.k(i)[0] > 0],
        (PARTS,),
        ("DROP TABLE by_kind",),
    ),
    Shape("no rows", f"SELECT id, {E} FROM docs WHERE id < 0 AND {E}[0] > 0", lambda a: []),
]

JOINED = "docs a {} JOIN docs b ON a.id + 70 = b.id"
JOINS = [
    Shape(
        "inner join",
        f"SELECT a.id, {A}, {B} FROM {JOINED.format('')}",
        lambda a: [(i, a.v(i), a.v(i + 70)) for i in range(10)],
    ),
    Shape(
        "left join",
        f"SELECT a.id, {A}, {B} FROM {JOINED.format('LEFT')}",
        lambda a: [(i, a.v(i), a.v(i + 70) if i < 10 else None) for i in IDS],
    ),
    Shape(
        "full join",
        f"SELECT a.id, b.id, {A}, {B} FROM {JOINED.format('FULL')}",
        lambda a: (
            [(i, i + 70 if i < 10 else None, a.v(i), a.v(i + 70) if i < 10 else None) for i in IDS]
            + [(None, j, None, a.v(j)) for j in range(70)]
        ),
    ),
    Shape(
        "semi join",
        f"SELECT a.id FROM docs a LEFT SEMI JOIN docs b ON a.kind = b.kind AND {A}[0] > 0",
        lambda a: [(i,) for i in a.positive],
    ),
    Shape(
        "anti join",
        f"SELECT a.id FROM docs a LEFT ANTI JOIN docs b ON a.id = b.id AND {B}[0] > 0",
        lambda a: [(i,) for i in IDS if i not in a.positive],
    ),
    Shape(
        "cross join",
        f"SELECT a.id, b.id, {A}, {B} FROM docs a CROSS JOIN docs b WHERE a.id < 4 AND b.id < 3",
        lambda a: [(i, j, a.v(i), a.v(j)) for i in range(4) for j in range(3)],
    ),
    Shape(
        "join on vectors",
        f"SELECT a.id, b.id FROM docs a JOIN docs b ON {A} = {B} WHERE a.id < 8 AND b.id < 8",
        lambda a: [(i, j) for i in range(8) for j in range(8) if a.v(i) and a.v(i) == a.v(j)],
    ),
    Shape(
        "join on an inequality",
        f"SELECT a.id, b.id FROM docs a JOIN docs b ON {A}[0] < {B}[0] WHERE a.id < 8 AND b.id < 8",
        lambda a: [(i, j) for i in range(8) for j in range(8) if a.v(i) and a.v(j) and a.x(i) < a.x(j)],
    ),
    Shape(
        "join of embedded subqueries",
        f"SELECT l.id, l.v, r.v FROM (SELECT id, {E} AS v FROM docs) l"
        f" JOIN (SELECT id, {K} AS v FROM docs) r ON l.id = r.id",
        lambda a: [(i, a.v(i), a.k(i)) for i in IDS],
    ),
    *(
        Shape(
            f"{hint.lower()} join",
            f"SELECT /*+ {hint}(b) */ a.id, {A}, {B} FROM {JOINED.format('')}",
            lambda a: [(i, a.v(i), a.v(i + 70)) for i in range(10)],
        )
        for hint in ("BROADCAST", "MERGE", "SHUFFLE_HASH")
    ),
]

AGGREGATES = [
    Shape(
        "max and min",
        f"SELECT max({E}[0]), min({E}[0]), count({E}), count(*) FROM docs",
        lambda a: [(max(map(a.x, a.some)), min(map(a.x, a.some)), len(a.some), len(IDS))],
    ),
    Shape(
        "by group",
        f"SELECT kind, max({E}[0]), count({E}) FROM docs GROUP BY kind",
        lambda a: [
            (KINDS[k], max(a.x(i) for i in a.some if i % 3 == k), sum(i % 3 == k for i in a.some)) for k in range(3)
        ],
    ),
    Shape("filter clause", f"SELECT count(*) FILTER (WHERE {E}[0] > 0) FROM docs", lambda a: [(len(a.positive),)]),
    Shape(
        "count distinct",
        f"SELECT count(DISTINCT {E}), count(DISTINCT kind) FROM docs",
        lambda a: [(len(set(map(a.v, a.some))), 3)],
    ),
    Shape(
        "collected",
        f"SELECT kind, sort_array(collect_list({E}[0])) FROM docs GROUP BY kind",
        lambda a: [(KINDS[k], tuple(sorted(a.x(i) for i in a.some if i % 3 == k))) for k in range(3)],
    ),
    Shape(
        "largest row",
        f"SELECT max_by(id, struct({R}[0], id)), max_by({R}, id) FROM docs",
        lambda a: [(max(IDS, key=lambda i: (a.r(i)[0], i)), a.r(IDS[-1]))],
    ),
    Shape(
        "group by vector",
        f"SELECT {E}, count(*) FROM docs WHERE id < 10 GROUP BY {E}",
        lambda a: [(v, [a.v(i) for i in range(10)].count(v)) for v in {a.v(i) for i in range(10)}],
    ),
    Shape(
        "over an aggregate",
        f"SELECT kind, embed(concat(kind, ' ', max(id)), '{TINY}', dims => 4) FROM docs GROUP BY kind",
        lambda a: [(k, a.of(f"{k} {max(i for i in IDS if KINDS[i % 3] == k)}")) for k in KINDS],
    ),
    Shape(
        "having",
        f"SELECT kind FROM docs GROUP BY kind HAVING {K}[0] > 0",
        lambda a: [(k,) for k in KINDS if a.of(k)[0] > 0],
    ),
    Shape(
        "having an aggregate of vectors",
        f"SELECT kind FROM docs GROUP BY kind HAVING max({E}[0]) > -100",
        lambda a: [(k,) for k in KINDS],
    ),
    Shape(
        "rollup",
        f"SELECT kind, max({E}[0]) FROM docs GROUP BY ROLLUP (kind)",
        lambda a: (
            [(KINDS[k], max(a.x(i) for i in a.some if i % 3 == k)) for k in range(3)] + [(None, max(map(a.x, a.some)))]
        ),
    ),
    Shape(
        "grouping sets over vectors",
        f"SELECT {K}, count(*) FROM docs GROUP BY GROUPING SETS (({K}), ())",
        lambda a: [(a.of(k), sum(KINDS[i % 3] == k for i in IDS)) for k in KINDS] + [(None, len(IDS))],
    ),
    Shape(
        "pivot",
        f"SELECT * FROM (SELECT kind, {E}[0] AS x FROM docs) PIVOT (max(x) FOR kind IN ('kind 0', 'kind 1', 'kind 2'))",
        lambda a: [tuple(max(a.x(i) for i in a.some if i % 3 == k) for k in range(3))],
    ),
    Shape("distinct", f"SELECT DISTINCT {K} FROM docs", lambda a: [(a.of(k),) for k in KINDS]),
]

WINDOWS_AND_ORDER = [
    Shape(
        "lag",
        f"SELECT id, lag({E}) OVER (PARTITION BY kind ORDER BY id) FROM docs",
        lambda a: [(i, a.v(i - 3) if i >= 3 else None) for i in IDS],
    ),
    Shape(
        "rank by vectors",
        f"SELECT id, row_number() OVER (ORDER BY {R}[0], id) FROM docs",
        lambda a: [(i, n + 1) for n, i in enumerate(sorted(IDS, key=lambda i: (a.r(i)[0], i)))],
    ),
    Shape(
        "running maximum",
        f"SELECT id, max({R}[0]) OVER (PARTITION BY kind ORDER BY id) FROM docs",
        lambda a: [(i, max(a.r(j)[0] for j in range(i % 3, i + 1, 3))) for i in IDS],
    ),
    Shape(
        "partition by vector",
        f"SELECT id, count(*) OVER (PARTITION BY {K}) FROM docs",
        lambda a: [(i, sum(j % 3 == i % 3 for j in IDS)) for i in IDS],
    ),
    Shape(
        "first of each group",
        f"SELECT id, v FROM (SELECT id, {R} AS v, row_number() OVER (PARTITION BY kind ORDER BY {R}[0], id) AS n"
        " FROM docs) WHERE n = 1",
        lambda a: [
            (i, a.r(i)) for k in range(3) for i in [min((i for i in IDS if i % 3 == k), key=lambda i: (a.r(i)[0], i))]
        ],
    ),
    Shape(
        "order by",
        f"SELECT id FROM docs ORDER BY {R}[0], id",
        lambda a: [(i,) for i in sorted(IDS, key=lambda i: (a.r(i)[0], i))],
        ordered=True,
    ),
    Shape("limit", f"SELECT id, {E} FROM docs LIMIT 1000", lambda a: [(i, a.v(i)) for i in IDS]),
    Shape(
        "order by and limit",
        f"SELECT id, {E} FROM docs ORDER BY id DESC LIMIT 5",
        lambda a: [(i, a.v(i)) for i in reversed(IDS[-5:])],
        ordered=True,
    ),
    Shape(
        "nearest rows",
        f"SELECT id, {R} FROM docs ORDER BY {R}[0], id LIMIT 5",
        lambda a: [(i, a.r(i)) for i in sorted(IDS, key=lambda i: (a.r(i)[0], i))[:5]],
        ordered=True,
    ),
    Shape(
        "offset",
        f"SELECT id, {E} FROM docs ORDER BY id LIMIT 5 OFFSET 3",
        lambda a: [(i, a.v(i)) for i in range(3, 8)],
        ordered=True,
    ),
    Shape(
        "limit of a subquery",
        f"SELECT id, {E} FROM (SELECT * FROM docs ORDER BY id LIMIT 6) WHERE id > 1",
        lambda a: [(i, a.v(i)) for i in range(2, 6)],
    ),
    Shape(
        "sorted and distributed",
        f"SELECT id, {E} FROM docs DISTRIBUTE BY {R}[0] SORT BY {R}[1]",
        lambda a: [(i, a.v(i)) for i in IDS],
    ),
    Shape("repartitioned", f"SELECT /*+ REPARTITION(5) */ id, {E} FROM docs", lambda a: [(i, a.v(i)) for i in IDS]),
]

SETS_AND_SUBQUERIES = [
    Shape(
        "union all",
        f"SELECT id, {E} FROM docs UNION ALL SELECT id, {K} FROM docs",
        lambda a: [(i, a.v(i)) for i in IDS] + [(i, a.k(i)) for i in IDS],
    ),
    Shape(
        "union", f"SELECT {K} FROM docs UNION SELECT {K} FROM docs WHERE id < 1", lambda a: [(a.of(k),) for k in KINDS]
    ),
    Shape(
        "intersect",
        f"SELECT {K} FROM docs INTERSECT SELECT {K} FROM docs WHERE kind <> 'kind 0'",
        lambda a: [(a.of(k),) for k in KINDS[1:]],
    ),
    Shape(
        "except",
        f"SELECT {K} FROM docs EXCEPT SELECT {K} FROM docs WHERE kind = 'kind 0'",
        lambda a: [(a.of(k),) for k in KINDS[1:]],
    ),
    Shape(
        "scalar subquery",
        f"SELECT id, (SELECT max({E}[0]) FROM docs) FROM docs WHERE id < 12",
        lambda a: [(i, max(map(a.x, a.some))) for i in FEW],
    ),
    Shape(
        "correlated subquery",
        f"SELECT id, (SELECT max({E}[0]) FROM docs b WHERE b.kind = a.kind) FROM docs a WHERE id < 12",
        lambda a: [(i, max(a.x(j) for j in a.some if j % 3 == i % 3)) for i in FEW],
    ),
    Shape(
        "in subquery",
        f"SELECT id FROM docs WHERE id IN (SELECT id FROM docs WHERE {E}[0] > 0)",
        lambda a: [(i,) for i in a.positive],
    ),
    Shape(
        "vector in subquery",
        f"SELECT id FROM docs WHERE {E} IN (SELECT {E} FROM docs WHERE id < 3)",
        lambda a: [(i,) for i in a.some if a.v(i) in [a.v(j) for j in range(3)]],
    ),
    Shape(
        "exists",
        f"SELECT id FROM docs a WHERE EXISTS (SELECT 1 FROM docs b WHERE b.id = a.id + 1 AND {B}[0] > 0)",
        lambda a: [(i - 1,) for i in a.positive if i > 0],
    ),
    Shape(
        "not exists",
        f"SELECT id FROM docs a WHERE NOT EXISTS (SELECT 1 FROM docs b WHERE b.id = a.id AND {B}[0] > 0)",
        lambda a: [(i,) for i in IDS if i not in a.positive],
    ),
    Shape(
        "common table twice",
        f"WITH e AS (SELECT id, {E} AS v FROM docs) SELECT l.id, l.v, r.v FROM e l JOIN e r ON l.id = r.id",
        lambda a: [(i, a.v(i), a.v(i)) for i in IDS],
    ),
]

STATEMENTS = [
    Shape(
        "temporary view",
        "SELECT id, v FROM embedded WHERE id < 12",
        lambda a: [(i, a.v(i)) for i in FEW],
        (f"CREATE TEMPORARY VIEW embedded AS SELECT id, {E} AS v FROM docs",),
        ("DROP VIEW embedded",),
    ),
    Shape(
        "permanent view",
        "SELECT id, v FROM embedded WHERE v[0] > 0",
        lambda a: [(i, a.v(i)) for i in a.positive],
        (STORED, f"CREATE VIEW embedded AS SELECT id, {E} AS v FROM stored"),
        ("DROP VIEW embedded", "DROP TABLE stored"),
    ),
    Shape(
        "create table as select",
        "SELECT * FROM made",
        lambda a: [(i, a.v(i)) for i in IDS],
        (f"CREATE TABLE made USING parquet AS SELECT id, {E} AS v FROM docs",),
        ("DROP TABLE made",),
    ),
    Shape(
        "insert select",
        "SELECT * FROM made",
        lambda a: [(i, a.v(i)) for i in a.positive],
        (
            "CREATE TABLE made (id BIGINT, v ARRAY<FLOAT>) USING parquet",
            f"INSERT INTO made SELECT id, {E} FROM docs WHERE {E}[0] > 0",
        ),
        ("DROP TABLE made",),
    ),
    Shape(
        "insert overwrite partitions",
        "SELECT id, v, kind FROM made",
        lambda a: [(i, a.v(i), KINDS[i % 3]) for i in FEW],
        (
            "CREATE TABLE made (id BIGINT, v ARRAY<FLOAT>, kind STRING) USING parquet PARTITIONED BY (kind)",
            f"INSERT OVERWRITE made SELECT id, {K}, kind FROM docs WHERE id < 12",
            f"INSERT OVERWRITE made SELECT id, {E}, kind FROM docs WHERE id < 12",
        ),
        ("DROP TABLE made",),
    ),
    Shape(
        "cached table",
        f"SELECT id, v, {K} FROM cached WHERE v[0] > 0",
        lambda a: [(i, a.v(i), a.k(i)) for i in a.positive],
        (f"CACHE TABLE cached AS SELECT id, kind, {E} AS v FROM docs",),
        ("UNCACHE TABLE cached", "DROP VIEW cached"),
    ),
]

SHAPES = [
    *PROJECTIONS,
    *ARRAYS,
    *FILTERS,
    *JOINS,
    *AGGREGATES,
    *WINDOWS_AND_ORDER,
    *SETS_AND_SUBQUERIES,
    *STATEMENTS,
]


def _plain(value):
    """Rows, arrays and numbers as tuples and Python's own numbers."""
    return tuple(_plain(item) for item in value) if isinstance(value, (list, tuple)) else value


def check(spark, shape: Shape, answers: Answers) -> None:
    """Runs a shape in a session that has the view docs; an AssertionError tells the first rows that differ."""
    try:
        for statement in shape.before:
            spark.sql(statement)
        actual = [_plain(row) for row in spark.sql(shape.query).collect()]
    finally:
        for statement in shape.after:
            spark.sql(statement)
    expected = shape.rows(answers)
    if not shape.ordered:
        actual, expected = sorted(actual, key=repr), sorted(expected, key=repr)
    assert len(actual) == len(expected), f"{shape.name}: {len(actual)} rows, expected {len(expected)}"
    for got, wanted in zip(actual, expected, strict=True):
        assert got == wanted, f"{shape.name}: {got}, expected {wanted}"
