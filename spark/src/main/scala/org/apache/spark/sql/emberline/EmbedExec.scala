// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.execution.metric.SQLMetric

/**
 * Child's rows with one column more a call site: call i embeds inputs(i) as specs(i) and kinds(i) say, into
 * attributes(i). Holds the parts of its calls and no Embed, which the rules would take for one not yet extracted.
 */
case class EmbedExec(
    specs: Seq[EmbedSpec],
    kinds: Seq[EmbedKind],
    inputs: Seq[Expression],
    attributes: Seq[Attribute],
    child: SparkPlan)
    extends UnaryExecNode {

  override def output: Seq[Attribute] = child.output ++ attributes
  override def producedAttributes: AttributeSet = AttributeSet(attributes)
  override def outputPartitioning: Partitioning = child.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override lazy val metrics: Map[String, SQLMetric] = EmbedMetrics.create(sparkContext)

  override def argString(maxFields: Int): String = specs.indices
    .map(i => s"${kinds(i).functionName}(${inputs(i)}, ${specs(i)}) AS ${attributes(i)}")
    .mkString("[", ", ", "]")

  /** The attribute that holds this call's result, where this node computes it. */
  def attributeOf(call: Embed): Option[Attribute] = specs.indices
    .find(i => specs(i) == call.spec && kinds(i) == call.kind && inputs(i).semanticEquals(call.child))
    .map(attributes)

  override protected def doExecute(): RDD[InternalRow] = {
    EmbedReporter.watch(sparkContext, longMetric("rows"), longMetric("tokens"))
    specs.map(_.model).distinct.foreach(MemoryAdvice.check(sparkContext, _))
    // Locals, so that the closure carries these and not the plan.
    val calls = specs.indices.map(i => (specs(i), kinds(i), inputs(i)))
    val (childOutput, all, counters) = (child.output, output, EmbedMetrics.of(longMetric))
    val versions = DriverModels.versions(sparkContext, conf, specs.map(_.model))
    child.execute().mapPartitionsWithIndexInternal { (_, rows) =>
      new EmbedIterator(rows, calls, childOutput, all, counters, versions)
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): EmbedExec = copy(child = newChild)
}
