# SPDX-License-Identifier: Apache-2.0
"""Looks into executed physical plans through py4j."""


def _seq(items):
    return [items.apply(i) for i in range(items.size())]


def _nodes(plan):
    yield plan
    kind = plan.getClass().getSimpleName()
    if kind == "AdaptiveSparkPlanExec":
        yield from _nodes(plan.executedPlan())
    elif kind.endswith("QueryStageExec"):
        yield from _nodes(plan.plan())
    for child in _seq(plan.children()):
        yield from _nodes(child)


def executed(frame):
    """The plan of a frame's own query execution: collect() of the same frame runs this plan."""
    return frame._jdf.queryExecution().executedPlan()


def embed_nodes(frame) -> list:
    return [node for node in _nodes(executed(frame)) if node.getClass().getSimpleName() == "EmbedExec"]


def scanned(frame) -> set[str]:
    """Columns that the files' scans of a plan read."""
    scans = [node for node in _nodes(executed(frame)) if node.getClass().getSimpleName() == "FileSourceScanExec"]
    return {attribute.name() for node in scans for attribute in _seq(node.output())}


def expressions_of_kind(frame, name: str) -> int:
    """How often an expression class occurs in the plan, leaf nodes left out: scans remember filters."""

    def count(expression) -> int:
        mine = int(expression.getClass().getSimpleName() == name)
        return mine + sum(count(child) for child in _seq(expression.children()))

    return sum(
        count(expression)
        for node in _nodes(executed(frame))
        if node.children().size() > 0
        for expression in _seq(node.expressions())
    )


def metric(frame, name: str) -> int:
    """Sum of a metric over the plan's EmbedExec nodes."""
    return sum(node.metrics().apply(name).value() for node in embed_nodes(frame))
