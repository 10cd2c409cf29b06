# SPDX-License-Identifier: Apache-2.0
"""``emberline rerank``: files of texts in, one file with all their columns and a score each out."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

import emberline
from emberline import _native, _rows
from emberline.cli import embed
from emberline.model import scores_of


@dataclass
class Job(embed.Job):
    """What the command line asked for; one of the two is set."""

    query: str | None = None
    query_column: str | None = None


class Scores:
    """The column that rerank adds: a number, or a list of them where the model has several labels."""

    counted = "scored"

    def __init__(self, job: Job, schema: pa.Schema):
        self._query = job.query
        self._query_column = embed.choose_column(schema, job.query_column) if job.query_column else None
        self._column = embed.choose_column(schema, job.column, self._query_column)

    def kind(self, model: emberline.Model) -> pa.DataType:
        if model.num_labels == 0:
            model.rerank("", [""])  # says why
        return pa.float32() if model.num_labels == 1 else pa.list_(pa.float32())

    def compute(self, model: emberline.Model, batch: pa.RecordBatch, tick: emberline.model.Progress) -> _native.Outcome:
        queries = batch.column(self._query_column) if self._query_column else [self._query]
        texts = batch.column(self._column)
        return model.run_rerank(_rows.to_arrow(queries)[0], _rows.to_arrow(texts)[0], tick)

    def array(self, outcome: _native.Outcome) -> pa.Array:
        return scores_of(outcome) if outcome.vectors.shape[1] == 1 else embed.vector_lists(outcome)

    def more(self, _job: Job, _model: emberline.Model) -> dict:
        return {}
