// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import org.apache.spark.sql.catalyst.catalog.HiveTableRelation
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.planning.ExtractEquiJoinKeys
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.datasources.{HadoopFsRelation, LogicalRelation}
import org.apache.spark.sql.execution.datasources.v2.{DataSourceV2Relation, FileTable}

/**
 * Moves calls out of places where Spark evaluates an expression more than once a row, or on the driver, into a plain
 * Project below, from which ExtractEmbed can batch them: arguments of aggregate functions, orderings, windows, join
 * conditions, partitionings.
 */
private[emberline] object IsolateEmbed extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan =
    if (plan.exists(_.expressions.exists(Embed.in))) plan.transformUp { case node if hasEmbed(node) => isolate(node) }
    else plan

  private def hasEmbed(node: LogicalPlan): Boolean = node.expressions.exists(Embed.in)

  private def isolate(node: LogicalPlan): LogicalPlan = node match {
    case aggregate: Aggregate => isolateArguments(aggregate)
    case _: Sort | _: Window | _: RepartitionByExpression | _: RebalancePartitions | _: WindowGroupLimit => below(node)
    case join: Join => below(join)
    case filter @ Filter(condition, join: Join) if !hasEquiKeys(join) && !onOneRow(condition) =>
      // Every pair of rows meets this condition: embed each side's rows once, not each pair's.
      below(filter, join)
    case filter: Filter => partitionsByRow(filter)
    case other => other
  }

  private def hasEquiKeys(join: Join): Boolean = ExtractEquiJoinKeys.unapply(join).isDefined

  private def onOneRow(condition: Expression): Boolean = calls(Seq(condition)).forall(_.references.isEmpty)

  private def isolateArguments(aggregate: Aggregate): LogicalPlan = {
    val arguments = calls(aggregate.aggregateExpressions.flatMap(_.collect { case a: AggregateExpression => a }))
    val aliases = aliasesOf(arguments)
    if (aliases.isEmpty) return aggregate
    val results = aggregate.aggregateExpressions.map(_.transformDown { case a: AggregateExpression =>
      substitute(a, aliases)
    }.asInstanceOf[NamedExpression])
    val needed = AttributeSet(aggregate.groupingExpressions.flatMap(_.references) ++ results.flatMap(_.references))
    aggregate.copy(
      aggregateExpressions = results,
      child = Project(aggregate.child.output.filter(needed.contains) ++ aliases, aggregate.child))
  }

  /** A Project under each child that computes the calls which only need this child. */
  private def below(node: LogicalPlan): LogicalPlan = below(node, node)

  /** The same where the children are those of source, a descendant of node that is not more than a level down. */
  private def below(node: LogicalPlan, source: LogicalPlan): LogicalPlan = {
    var left = calls(node.expressions)
    var aliases = Seq.empty[Alias]
    val children = source.children.map { child =>
      val (mine, others) = left.partition(call => call.references.subsetOf(child.outputSet))
      left = others
      val own = aliasesOf(mine)
      aliases ++= own
      if (own.isEmpty) child else Project(child.output ++ own, child)
    }
    if (aliases.isEmpty) return node
    val rebuilt = source.withNewChildren(children)
    val whole = if (node eq source) rebuilt else node.withNewChildren(Seq(rebuilt))
    Project(node.output, whole.mapExpressions(substitute(_, aliases)))
  }

  /** The outermost calls, each once; those within a lambda depend on its variable and stay. */
  private def calls(expressions: Seq[Expression]): Seq[Embed] = {
    val found = expressions.flatMap(Calls.outermost)
    found.foldLeft(Seq.empty[Embed])((known, call) =>
      if (known.exists(_.semanticEquals(call))) known else known :+ call)
  }

  private def aliasesOf(calls: Seq[Embed]): Seq[Alias] = calls.map(call => Alias(call, call.prettyName)())

  private def substitute(expression: Expression, aliases: Seq[Alias]): Expression = expression.transformDown {
    case call: Embed => aliases.find(_.child.semanticEquals(call)).map(_.toAttribute).getOrElse(call)
  }

  /** A condition on partition columns alone prunes folders on the driver, where only EmbedRow can be evaluated. */
  private def partitionsByRow(filter: Filter): Filter = {
    val partitions = partitionColumns(filter.child)
    if (partitions.isEmpty) return filter
    val conditions = conjuncts(filter.condition).map { condition =>
      if (!condition.references.subsetOf(partitions)) condition
      else condition.transform { case call: Embed => call.byRow }
    }
    filter.copy(condition = conditions.reduce(And(_, _)))
  }

  private def conjuncts(condition: Expression): Seq[Expression] = condition match {
    case And(left, right) => conjuncts(left) ++ conjuncts(right)
    case other => Seq(other)
  }

  private def partitionColumns(plan: LogicalPlan): AttributeSet = {
    def named(output: Seq[Attribute], names: Array[String]): AttributeSet =
      AttributeSet(output.filter(attribute => names.exists(conf.resolver(_, attribute.name))))
    plan match {
      case table: LogicalRelation =>
        table.relation match {
          case files: HadoopFsRelation => named(table.output, files.partitionSchema.fieldNames)
          case _ => AttributeSet.empty
        }
      case table: HiveTableRelation => AttributeSet(table.partitionCols)
      case table: DataSourceV2Relation =>
        table.table match {
          case files: FileTable => named(table.output, files.fileIndex.partitionSchema.fieldNames)
          case _ => AttributeSet.empty
        }
      case _ => AttributeSet.empty
    }
  }
}

private[emberline] object Calls {

  /** Calls that are not inside another one, nor inside a lambda function. */
  def outermost(expression: Expression): Seq[Embed] = expression match {
    case call: Embed => Seq(call)
    case _: LambdaFunction => Nil
    case other => other.children.flatMap(outermost)
  }

  /** Calls that hold no other one, outside of lambda functions. */
  def innermost(expression: Expression): Seq[Embed] = expression match {
    case _: LambdaFunction => Nil
    case call: Embed =>
      val within = innermost(call.child)
      if (within.nonEmpty) within else Seq(call)
    case other => other.children.flatMap(innermost)
  }
}
