# SPDX-License-Identifier: Apache-2.0
"""What may stand for input besides a column of strings, and what may not."""

import re
import struct
import zlib

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from spark_cases import TEXTS, TINY, assert_same
from spark_plans import embed_nodes, metric

M = f"'{TINY}'"
LIMIT = "max_tokens => 16, long_text => 'error'"
LONG = "repeat('word ', 40)"

# Null and empty arrays, null and empty elements, repeated ones; sizes that leave batches at odd places.
ARRAYS = [
    None,
    [],
    ["a text"],
    [None],
    ["", None, "a text", "a text"],
    *[[TEXTS[(7 * i + j) % len(TEXTS)] for j in range(i % 5)] for i in range(60)],
]


@pytest.fixture(scope="module")
def arrays(spark, tmp_path_factory):
    rows = [(i, array) for i, array in enumerate(ARRAYS)]
    folder = str(tmp_path_factory.mktemp("arrays") / "parquet")
    spark.createDataFrame(rows, "id int, texts array<string>").repartition(2).write.parquet(folder)
    stored = spark.read.parquet(folder)
    stored.createOrReplaceTempView("arrays")
    return stored


def assert_arrays(rows, reference, **options):
    assert sorted(row.id for row in rows) == list(range(len(ARRAYS)))
    for row in rows:
        expected = ARRAYS[row.id]
        if expected is None:
            assert row.v is None
            continue
        assert len(row.v) == len(expected)
        for vector, text in zip(row.v, expected, strict=True):
            assert_same(vector, reference(text, **options))


def test_an_array_gives_a_vector_for_each_element(spark, arrays, reference, adaptive):
    assert_arrays(spark.sql(f"SELECT id, embed(texts, {M}) AS v FROM arrays").collect(), reference)
    named = spark.sql(f"SELECT id, try_embed(input => texts, model => {M}, dims => 3) AS v FROM arrays")
    assert_arrays(named.collect(), reference, dims=3)
    odd = spark.sql(f"SELECT id, embed(texts, model => {M}, dims => 5) AS v FROM arrays ORDER BY id")
    assert_arrays(odd.collect(), reference, dims=5)


def test_python_functions_take_arrays(arrays, reference):
    import emberline.spark as em

    assert_arrays(arrays.select("id", em.embed("texts", TINY, dims=4).alias("v")).collect(), reference, dims=4)


def test_binary_is_text_in_utf8(spark, docs, reference, adaptive):
    for row in spark.sql(f"SELECT id, embed(cast(text AS binary), {M}) AS v FROM docs").collect():
        assert_same(row.v, reference(TEXTS[row.id]))


def test_arrays_of_binary(spark, arrays, reference):
    frame = spark.sql(f"SELECT id, embed(cast(texts AS array<binary>), {M}) AS v FROM arrays")
    assert_arrays(frame.collect(), reference)


def test_invalid_utf8_in_binary_is_replaced_as_python_replaces_it(spark, reference):
    row = spark.sql(f"SELECT embed(x'6120fffe62', {M}) AS v, embed(array(x'6120fffe62', x''), {M}) AS a").first()
    expected = reference.model().embed([b"a \xff\xfeb"])[0]
    assert_same(row.v, expected)
    assert_same(row.a[0], expected)
    assert_same(row.a[1], reference(""))


def test_elements_of_many_rows_share_the_engine_s_batches(spark):
    frame = spark.range(0, 400, 1, 1).selectExpr(f"embed(array('a', 'b', concat('c', id)), {M}) AS v")
    frame.collect()
    assert metric(frame, "rows") == 1200
    assert metric(frame, "batches") < 100
    assert len(embed_nodes(frame)) == 1


def test_types(spark, arrays):
    schema = spark.sql(
        f"SELECT embed(texts, {M}) AS v, try_embed(array('a'), {M}) AS t, embed(array('a'), {M}) AS c,"
        f" embed_details(texts, {M}) AS d FROM arrays"
    ).schema
    assert schema["v"].dataType.simpleString() == "array<array<float>>"
    assert schema["d"].dataType.simpleString() == (
        "array<struct<embedding:array<float>,tokens:int,truncated:boolean,error:string>>"
    )
    assert schema["t"].dataType.containsNull and not schema["c"].dataType.containsNull


def test_elements_that_fail(spark, arrays, reference, adaptive):
    details = reference.model(TINY, max_tokens=16, long_text="error").embed_details
    query = f"SELECT id, try_embed(texts, {M}, {LIMIT}) AS v, embed_details(texts, {M}, {LIMIT}) AS d FROM arrays"
    failed = 0
    for row in spark.sql(query).collect():
        texts = ARRAYS[row.id]
        assert (row.v is None) == (row.d is None) == (texts is None)
        for text, vector, detail in zip(texts or [], row.v or [], row.d or [], strict=True):
            if text is None:
                assert vector is None and detail is None
                continue
            (expected,) = details([text]).to_pylist()
            assert (detail.error, detail.tokens, detail.truncated) == (
                expected["error"],
                expected["tokens"],
                expected["truncated"],
            )
            vector_or_none = None if expected["error"] else reference(text, max_tokens=16)
            assert_same(vector, vector_or_none)
            assert_same(detail.embedding, vector_or_none)
            failed += bool(expected["error"])
    assert failed > 0


def test_the_message_names_row_and_element(spark):
    texts = f"if(id = 37, array('short', 'short', {LONG}), array('short'))"
    frame = spark.range(0, 50, 1, 1).selectExpr(f"embed({texts}, {M}, {LIMIT}) AS v")
    with pytest.raises(Exception) as failure:
        frame.collect()
    message = str(failure.value)
    assert "embed: element 2 of row 37 of partition 0" in message
    assert "200 bytes of text" in message and "max_tokens=16" in message and "try_embed" in message


MANY = 9000


def test_a_row_of_more_elements_than_a_batch(spark, reference):
    """Rows before and behind it, too, get their own vectors."""
    texts = f"""
        CASE id % 4 WHEN 1 THEN transform(sequence(1, {MANY}), i -> concat('text ', i % 50)) WHEN 2 THEN NULL
        ELSE array(concat('row ', id), NULL) END"""
    frame = spark.range(0, 8, 1, 1).selectExpr("id", f"embed({texts}, {M}, dims => 2) AS v")
    expected = [reference(f"text {i}", dims=2) for i in range(50)]
    for row in frame.collect():
        if row.id % 4 == 2:
            assert row.v is None
        elif row.id % 4 == 1:
            assert len(row.v) == MANY
            for i, vector in enumerate(row.v, start=1):
                assert_same(vector, expected[i % 50])
        else:
            assert_same(row.v[0], reference(f"row {row.id}", dims=2))
            assert row.v[1] is None and len(row.v) == 2
    assert metric(frame, "rows") == 2 * MANY + 4


@pytest.mark.parametrize("bad", [10, MANY - 10])
def test_a_bad_element_of_a_large_row(spark, bad):
    texts = f"transform(sequence(0, {MANY - 1}), i -> if(i = {bad}, {LONG}, 'short'))"
    frame = spark.range(0, 1, 1, 1)
    with pytest.raises(Exception, match=re.escape(f"element {bad} of row 0 of partition 0")):
        frame.selectExpr(f"embed({texts}, {M}, {LIMIT}, dims => 2)").collect()
    row = frame.selectExpr(
        f"try_embed({texts}, {M}, {LIMIT}, dims => 2) AS v", f"embed_details({texts}, {M}, {LIMIT}, dims => 2) AS d"
    ).first()
    assert [i for i, vector in enumerate(row.v) if vector is None] == [bad]
    assert [i for i, detail in enumerate(row.d) if detail.error] == [bad]


def test_long_texts_end_a_batch_before_many_elements_do(spark, reference):
    """40 texts of 1 MB: more bytes than a batch takes."""
    text = "'x' || repeat(' word', 209715)"
    frame = spark.range(0, 1, 1, 1).selectExpr(
        f"embed(transform(sequence(1, 40), i -> {text} || i), {M}, max_tokens => 8) AS v"
    )
    expected = reference("x word word word word word word word word word", max_tokens=8)
    vectors = frame.first().v
    assert len(vectors) == 40
    for vector in vectors:
        assert_same(vector, expected)


def test_row_by_row_in_a_lambda(spark, arrays, reference):
    """Where a row cannot wait for others."""
    frame = spark.sql(f"SELECT id, transform(array(texts), a -> embed(a, {M}))[0] AS v FROM arrays")
    assert_arrays(frame.collect(), reference)
    binary = spark.sql(f"SELECT transform(array(x'61', NULL), b -> embed(b, {M})) AS v").first().v
    assert_same(binary[0], reference("a"))
    assert binary[1] is None
    with pytest.raises(Exception, match=re.escape("element 1 of a row of partition 0")):
        spark.sql(f"SELECT transform(array(array('a', {LONG})), a -> embed(a, {M}, {LIMIT}))").collect()
    details = spark.sql(f"SELECT transform(array(array('a', {LONG})), a -> embed_details(a, {M}, {LIMIT}))[0] AS d")
    good, bad = details.first().d
    assert good.error is None and good.embedding is not None
    assert "max_tokens=16" in bad.error and bad.embedding is None


def test_constants(spark, reference):
    row = spark.sql(
        f"SELECT embed(array('a', NULL, ''), {M}) AS a, embed(x'61', {M}) AS b, embed(array(), {M}) AS none,"
        f" embed(NULL, {M}) AS missing, embed(array(NULL), {M}) AS nothing FROM range(3)"
    ).first()
    assert_same(row.a[0], reference("a"))
    assert row.a[1] is None
    assert_same(row.a[2], reference(""))
    assert_same(row.b, reference("a"))
    assert row.none == [] and row.missing is None and row.nothing == [None]


def test_elements_of_a_split_text_become_rows(spark, docs, reference):
    frame = spark.sql(
        f"SELECT id, place, v FROM docs LATERAL VIEW posexplode(embed(split(text, ' '), {M}, dims => 4)) t AS place, v"
    )
    for row in frame.collect():
        assert_same(row.v, reference(TEXTS[row.id].split(" ")[row.place], dims=4))
    assert frame.count() == sum(len(text.split(" ")) for text in TEXTS if text is not None)


def test_arrays_and_texts_of_one_row_share_a_node(spark, docs, reference):
    frame = spark.sql(f"SELECT id, embed(text, {M}) AS v, embed(array(text, kind), {M}) AS a, id FROM docs")
    for row in frame.collect():
        assert_same(row.v, reference(TEXTS[row.id]))
        assert_same(row.a[0], reference(TEXTS[row.id]))
        assert_same(row.a[1], reference(f"kind {row.id % 3}"))
    assert len(embed_nodes(frame)) == 1


def test_char_and_varchar(spark, reference):
    spark.sql("CREATE TABLE sized (c char(8), v varchar(8)) USING parquet")
    try:
        spark.sql("INSERT INTO sized VALUES ('a text', 'a text')")
        row = spark.sql(f"SELECT embed(c, {M}) AS c, embed(v, {M}) AS v FROM sized").first()
    finally:
        spark.sql("DROP TABLE sized")
    assert_same(row.c, reference("a text  "))
    assert_same(row.v, reference("a text"))


def test_collated_text(spark, reference):
    if spark.version.startswith("3."):
        pytest.skip("Spark has collations from 4.0 on")
    row = spark.sql(
        f"SELECT embed(collate('A text', 'UNICODE_CI'), {M}) AS v, embed(array(collate(t, 'UTF8_LCASE')), {M}) AS a"
        " FROM VALUES ('A text') AS x(t)"
    ).first()
    assert_same(row.v, reference("A text"))
    assert_same(row.a[0], reference("A text"))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1", "INT"),
        ("array(1)", "ARRAY<INT>"),
        ("array(array('a'))", "ARRAY<ARRAY<STRING>>"),
        ("named_struct('a', 'b')", "STRUCT<a: STRING"),
        ("current_date()", "DATE"),
    ],
)
def test_other_types_are_refused_while_planning(spark, value, kind):
    with pytest.raises(AnalysisException) as failure:
        spark.sql(f"SELECT embed({value}, {M})")
    message = str(failure.value)
    assert f'"{kind}' in message
    assert '("STRING" or "BINARY" or "ARRAY<STRING>" or "ARRAY<BINARY>")' in message


def png() -> bytes:
    """One black pixel."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(4))) + chunk(b"IEND", b"")


def test_an_image_is_refused_while_planning(spark, tmp_path):
    (tmp_path / "pixel.png").write_bytes(png())
    images = spark.read.format("image").load(str(tmp_path))
    with pytest.raises(AnalysisException) as failure:
        images.select(F.expr(f"embed(image, {M})"))
    message = str(failure.value)
    assert "images are not supported yet" in message and "takes text" in message and "image" in message
    assert images.selectExpr(f"embed(image.origin, {M}) AS v").first().v is not None


def described(spark, name: str) -> str:
    return "\n".join(row[0] for row in spark.sql(f"DESCRIBE FUNCTION EXTENDED {name}").collect())


@pytest.mark.parametrize("name", ["embed", "try_embed", "embed_details"])
def test_describe_extended_tells_arguments_options_and_examples(spark, docs, name):
    import emberline

    text = described(spark, name)
    for option in emberline.options():
        assert f"- {option.name} (" in text and option.help in text
    for part in ("Arguments:", "input - ", "model - ", "Examples:", "Since: 0.1.0", "array of texts", "UTF-8"):
        assert part in text
    examples = re.findall(r"> (SELECT .*);", text)
    assert len(examples) == 3
    for example in examples:
        assert name in example
        assert spark.sql(example.replace("/models/all-MiniLM-L6-v2", TINY).replace("256", "2")).count() == len(TEXTS)
