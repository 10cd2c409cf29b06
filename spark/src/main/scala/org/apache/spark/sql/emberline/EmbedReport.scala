// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import java.util.Locale

/** What the tasks of one executor embedded; times in milliseconds of the epoch. */
private[emberline] case class ExecutorShare(
    executor: String,
    host: String,
    tasks: Int,
    rows: Long,
    tokens: Long,
    began: Long,
    ended: Long) {
  def seconds: Double = math.max(1L, ended - began) / 1000.0
  def tokensPerSecond: Double = tokens / seconds
}

/** One partition's task, for the question which one the others waited for. */
private[emberline] case class PartitionTime(stage: Int, partition: Int, executor: String, seconds: Double)

/**
 * What one query embedded, where, how fast and at what cost. failedTasks were run again or killed: their rows and tokens
 * are not counted, their time is. pricePerHour is that of one executor; without one there is no cost.
 */
private[emberline] case class EmbedReport(
    execution: Option[Long], // of the SQL tab; none for a job below SQL
    executors: Seq[ExecutorShare],
    slowest: Option[PartitionTime],
    medianSeconds: Double, // of the partitions
    failedTasks: Int,
    pricePerHour: Option[Double]) {
  def rows: Long = executors.map(_.rows).sum
  def tokens: Long = executors.map(_.tokens).sum
  def seconds: Double =
    if (executors.isEmpty) 0.0 else math.max(1L, executors.map(_.ended).max - executors.map(_.began).min) / 1000.0

  /** Of the executors from their first embedding task to their last. */
  def cost: Option[Double] = pricePerHour.map(price => executors.map(_.seconds).sum / 3600 * price)

  /** For the driver's log. */
  def text: String = {
    val parts = Seq(
      f"emberline embedded $rows%,d rows, $tokens%,d tokens in $seconds%.1f s on ${executors.size} " +
        f"${if (executors.size == 1) "executor" else "executors"}: ${tokens / math.max(0.001, seconds)}%,.0f tokens/s"
    ) ++ executors.map(e =>
      f"executor ${e.executor} on ${e.host}: ${e.tasks} tasks, ${e.rows}%,d rows, ${e.tokensPerSecond}%,.0f tokens/s") ++
      slowest.map(p =>
        f"slowest partition: ${p.partition} of stage ${p.stage} on executor ${p.executor}, ${p.seconds}%.1f s " +
          f"(median $medianSeconds%.1f s)") ++
      (if (failedTasks > 0) Seq(s"$failedTasks tasks failed or were killed") else Nil) ++
      cost.map(c => String.format(Locale.ROOT, "estimated cost: %.4g", Double.box(c)))
    parts.mkString("; ")
  }

  /** For programs. */
  def json: String = {
    val shares = executors.map(e =>
      s"""{"executor":${quoted(e.executor)},"host":${quoted(e.host)},"tasks":${e.tasks},"rows":${e.rows},""" +
        s""""tokens":${e.tokens},"seconds":${e.seconds},"tokens_per_second":${e.tokensPerSecond}}""")
    val slow = slowest.map(p =>
      s"""{"stage":${p.stage},"partition":${p.partition},"executor":${quoted(p.executor)},"seconds":${p.seconds}}""")
    s"""{"execution":${execution.getOrElse("null")},"rows":$rows,"tokens":$tokens,"seconds":$seconds,""" +
      s""""tokens_per_second":${tokens / math.max(0.001, seconds)},"executors":${shares.mkString("[", ",", "]")},""" +
      s""""slowest_partition":${slow.getOrElse("null")},"median_partition_seconds":$medianSeconds,""" +
      s""""failed_tasks":$failedTasks,"cost":${cost.getOrElse("null")}}"""
  }

  private def quoted(text: String): String = "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\""
}
