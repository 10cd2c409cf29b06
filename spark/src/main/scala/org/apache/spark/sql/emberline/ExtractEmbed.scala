// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution._
import org.apache.spark.sql.execution.aggregate.{
  BaseAggregateExec,
  HashAggregateExec,
  ObjectHashAggregateExec,
  SortAggregateExec
}
import org.apache.spark.sql.execution.python.EvalPythonExec

/**
 * Turns the calls of a physical plan into EmbedExec nodes, and those that cannot be batched into EmbedRow: no Embed is
 * left but in what scans remember of a filter. Late, because the optimizer would duplicate or undo an earlier extraction.
 * Applied to a plan without calls, as by the second of its two injection points, it changes nothing.
 */
private[emberline] object ExtractEmbed extends Rule[SparkPlan] {
  override def apply(plan: SparkPlan): SparkPlan =
    if (plan.exists(hasEmbed)) {
      val late = plan.transformDown { case top: TakeOrderedAndProjectExec => projectAbove(top) }
      val extracted = late.transformUp { case node if hasEmbed(node) => extract(node) }
      extracted.transformUp { case node => byRow(limitBelow(node)) }
    } else {
      plan
    }

  private def hasEmbed(node: SparkPlan): Boolean = node.expressions.exists(Embed.in)

  /** Calls that the order does not need wait until the first rows are known: only these get vectors. */
  private def projectAbove(top: TakeOrderedAndProjectExec): SparkPlan = {
    val (below, calls) = withoutCalls(top.child)
    if (calls.isEmpty || top.sortOrder.exists(_.references.exists(a => calls.contains(a.exprId)))) return top
    val results = top.projectList.map(named => keepName(inline(named, calls), named))
    val plan = ProjectExec(results, top.copy(projectList = below.output, child = below))
    // Nothing in between computes what its logical node says: all of it stands for what the top node stood for.
    top.logicalLink.foreach(plan.setLogicalLink)
    plan
  }

  /** plan without the columns that need a call, but with the columns these need; and what each of them means. */
  private def withoutCalls(plan: SparkPlan): (SparkPlan, Map[ExprId, Expression]) = plan match {
    case ProjectExec(list, child) =>
      val (below, calls) = withoutCalls(child)
      val (costly, cheap) = list.map(named => keepName(inline(named, calls), named)).partition(Embed.in)
      if (costly.isEmpty) return (plan, Map.empty)
      val kept = AttributeSet(cheap.map(_.toAttribute))
      val inputs = AttributeSet(costly.flatMap(_.references)).filterNot(kept.contains).toSeq
      val meanings = costly.collect { case alias: Alias => alias.exprId -> alias.child }.toMap
      (ProjectExec(cheap ++ inputs, below), meanings)
    case other => (other, Map.empty)
  }

  private def inline(expression: Expression, meanings: Map[ExprId, Expression]): Expression =
    expression.transformDown { case a: AttributeReference => meanings.getOrElse(a.exprId, a) }

  private def extract(node: SparkPlan): SparkPlan = node match {
    case top: TakeOrderedAndProjectExec if !top.sortOrder.exists(Embed.in) =>
      // It projects on the driver; and only the rows it takes need vectors.
      project(top.projectList, top.copy(projectList = top.child.output))
    case ProjectExec(list, child) => project(list, child)
    case FilterExec(condition, child) => filter(condition, child)
    case a: HashAggregateExec => splitResults(a, a.resultExpressions, r => a.copy(resultExpressions = r))
    case a: SortAggregateExec => splitResults(a, a.resultExpressions, r => a.copy(resultExpressions = r))
    case a: ObjectHashAggregateExec => splitResults(a, a.resultExpressions, r => a.copy(resultExpressions = r))
    case _: GenerateExec | _: ExpandExec | _: EvalPythonExec =>
      val child = node.children.head
      val (expressions, below) = compute(node.expressions, child)
      if (below eq child) node
      else trimmed(node.output, replaceAll(node.withNewChildren(Seq(below)), node.expressions, expressions))
    case other => other
  }

  private def project(list: Seq[NamedExpression], child: SparkPlan): SparkPlan = {
    val (expressions, below) = compute(list.map(Branches.guard), child)
    val named = expressions.zip(list).map { case (e, original) => keepName(e, original) }
    below match {
      case ProjectExec(attributes, source) if attributes.forall(_.isInstanceOf[Attribute]) => ProjectExec(named, source)
      case other => ProjectExec(named, other)
    }
  }

  private def keepName(expression: Expression, original: NamedExpression): NamedExpression = expression match {
    case named: NamedExpression if named.exprId == original.exprId => named
    case other => Alias(other, original.name)(exprId = original.exprId, qualifier = original.qualifier)
  }

  /** Conditions without a call go below, so that only rows that pass them are embedded. */
  private def filter(condition: Expression, child: SparkPlan): SparkPlan = {
    val (costly, cheap) = conjuncts(condition).partition(Embed.in)
    val filtered = if (cheap.isEmpty) child else FilterExec(cheap.reduce(And(_, _)), child)
    val (conditions, below) = compute(costly.map(Branches.guard), filtered)
    trimmed(child.output, FilterExec(conditions.reduce(And(_, _)), below))
  }

  private def conjuncts(condition: Expression): Seq[Expression] = condition match {
    case And(left, right) => conjuncts(left) ++ conjuncts(right)
    case other => Seq(other)
  }

  /** An aggregate that returns what its results need, and a projection that computes them. */
  private def splitResults(
      aggregate: BaseAggregateExec,
      results: Seq[NamedExpression],
      returning: Seq[NamedExpression] => SparkPlan): SparkPlan = {
    if (!results.exists(Embed.in)) return aggregate
    val needed = AttributeSet(results.flatMap(_.references))
    val available = aggregate.groupingExpressions.map(_.toAttribute) ++ aggregate.aggregateAttributes
    project(results, returning(available.filter(needed.contains)))
  }

  private def trimmed(output: Seq[Attribute], plan: SparkPlan): SparkPlan =
    if (plan.output.map(_.exprId) == output.map(_.exprId)) plan else ProjectExec(output, plan)

  private def replaceAll(plan: SparkPlan, from: Seq[Expression], to: Seq[Expression]): SparkPlan = {
    val pairs = from.zip(to)
    plan.mapExpressions(e => pairs.collectFirst { case (old, changed) if old.fastEquals(e) => changed }.getOrElse(e))
  }

  /**
   * The expressions with every call replaced by a column, and child with these columns. Calls on the same row go into one
   * node; a call on another call's result, into a node above. Columns that exist further down are used, not made again.
   */
  private def compute(expressions: Seq[Expression], child: SparkPlan): (Seq[Expression], SparkPlan) = {
    var current = expressions
    var plan = child
    var done = false
    while (!done) {
      val calls = distinct(current.flatMap(Calls.innermost).filter(_.references.subsetOf(plan.outputSet)))
      if (calls.isEmpty) {
        done = true
      } else {
        val reused = calls.flatMap { call =>
          val found = expose(plan, call)
          found.foreach(plan = _)
          found.flatMap(attributeOf(_, call)).map(call -> _)
        }
        val missing = calls.filterNot(call => reused.exists(_._1 eq call))
        val made = missing.map(call => call -> AttributeReference(call.prettyName, call.dataType, call.nullable)())
        if (made.nonEmpty) {
          plan = EmbedExec(missing.map(_.spec), missing.map(_.kind), missing.map(_.child), made.map(_._2), plan)
        }
        current = current.map(substitute(_, reused ++ made))
      }
    }
    (current, plan)
  }

  private def distinct(calls: Seq[Embed]): Seq[Embed] =
    calls.foldLeft(Seq.empty[Embed])((known, call) =>
      if (known.exists(_.semanticEquals(call))) known else known :+ call)

  private def substitute(expression: Expression, columns: Seq[(Embed, Attribute)]): Expression = expression match {
    case lambda: LambdaFunction => lambda
    case call: Embed if columns.exists(_._1.semanticEquals(call)) => columns.find(_._1.semanticEquals(call)).get._2
    case other => other.mapChildren(substitute(_, columns))
  }

  /** plan changed so that it returns the column of an equal call below, if there is one under projections and filters. */
  private def expose(plan: SparkPlan, call: Embed): Option[SparkPlan] = plan match {
    case node: EmbedExec =>
      if (node.attributeOf(call).isDefined) Some(node)
      else expose(node.child, call).map(child => inPlaceOf(node, node.copy(child = child)))
    case FilterExec(condition, child) => expose(child, call).map(below => inPlaceOf(plan, FilterExec(condition, below)))
    case ProjectExec(list, child) =>
      for {
        below <- expose(child, call)
        attribute <- attributeOf(below, call)
        wider = if (list.exists(_.exprId == attribute.exprId)) list else list :+ attribute
      } yield inPlaceOf(plan, ProjectExec(wider, below))
    case _ => None
  }

  private def attributeOf(plan: SparkPlan, call: Embed): Option[Attribute] = plan match {
    case node: EmbedExec => node.attributeOf(call).orElse(attributeOf(node.child, call))
    case FilterExec(_, child) => attributeOf(child, call)
    case ProjectExec(list, child) =>
      attributeOf(child, call).filter(attribute => list.exists(_.exprId == attribute.exprId))
    case _ => None
  }

  /** Under a limit, only that many rows of a partition are embedded. */
  private def limitBelow(node: SparkPlan): SparkPlan = node match {
    case limit: CollectLimitExec if limit.limit >= 0 =>
      limit.copy(child = limited(limit.child, limit.limit + math.max(limit.offset, 0)))
    case limit: LocalLimitExec => limit.copy(child = limited(limit.child, limit.limit))
    case limit: GlobalLimitExec if limit.limit >= 0 =>
      limit.copy(child = limited(limit.child, limit.limit + math.max(limit.offset, 0)))
    case other => other
  }

  private def limited(plan: SparkPlan, rows: Int): SparkPlan = plan match {
    case ProjectExec(list, child) if rows >= 0 =>
      val below = limited(child, rows)
      if (below eq child) plan else inPlaceOf(plan, ProjectExec(list, below))
    case node: EmbedExec if rows >= 0 =>
      node.child match {
        case _: LocalLimitExec | _: GlobalLimitExec => node
        case child: EmbedExec => inPlaceOf(node, node.copy(child = limited(child, rows)))
        case child => inPlaceOf(node, node.copy(child = LocalLimitExec(rows, child)))
      }
    case other => other
  }

  /**
   * after, with before's tags: through them adaptive execution knows which logical node a physical one stands for. A node
   * that lost them would be dropped when the stage below is finished and the plan is made anew, and what it computes with it.
   */
  private def inPlaceOf(before: SparkPlan, after: SparkPlan): SparkPlan = {
    after.copyTagsFrom(before)
    after
  }

  /** What is left: join conditions over both sides, lambda bodies, operators nobody has met here. */
  private def byRow(node: SparkPlan): SparkPlan = node match {
    case leaf: LeafExecNode => leaf // remembers filters that were pushed to it and does not evaluate them by itself
    case other => other.transformExpressions { case call: Embed => call.byRow }
  }
}
