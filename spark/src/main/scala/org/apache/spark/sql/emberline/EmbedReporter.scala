// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import java.util.concurrent.ConcurrentHashMap

import scala.collection.mutable

import org.apache.spark.SparkContext
import org.apache.spark.internal.Logging
import org.apache.spark.scheduler._
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd

/**
 * Listens on the driver and, when a query that embedded has ended, logs its EmbedReport and keeps it. A task embedded
 * where it brought an update of one of the metrics that EmbedExec named to watch; a failed task brings none, and counts
 * where others of its stage did. Events come from one thread.
 */
private[emberline] final class EmbedReporter(context: SparkContext) extends SparkListener with Logging {
  import EmbedReporter._

  private sealed trait Run
  private case class Query(execution: Long) extends Run
  private case class BareJob(job: Int) extends Run

  private case class Done(stage: Int, info: TaskInfo, embedded: Boolean, rows: Long, tokens: Long)

  private val runs = new mutable.HashMap[Int, Run] // by stage
  private val tasks = new mutable.HashMap[Run, mutable.ArrayBuffer[Done]]

  override def onJobStart(event: SparkListenerJobStart): Unit = {
    val execution = Option(event.properties).flatMap(p => Option(p.getProperty("spark.sql.execution.id")))
    val run = execution.map(id => Query(id.toLong)).getOrElse(BareJob(event.jobId))
    event.stageIds.foreach(runs.put(_, run))
  }

  override def onTaskEnd(event: SparkListenerTaskEnd): Unit = {
    val info = event.taskInfo
    if (info != null) {
      var embedded = false
      var (rows, tokens) = (0L, 0L)
      for (update <- info.accumulables; what <- Option(watched.get(update.id)); value <- update.update) {
        val count = math.max(0L, value.toString.toLong)
        embedded = true
        if (what == Rows) rows += count else tokens += count
      }
      for (run <- runs.get(event.stageId) if embedded || !info.successful) {
        tasks.getOrElseUpdate(run, new mutable.ArrayBuffer) += Done(event.stageId, info, embedded, rows, tokens)
      }
    }
  }

  override def onJobEnd(event: SparkListenerJobEnd): Unit = finish(BareJob(event.jobId))

  override def onOtherEvent(event: SparkListenerEvent): Unit = event match {
    case ended: SparkListenerSQLExecutionEnd => finish(Query(ended.executionId))
    case _ =>
  }

  private def finish(run: Run): Unit = {
    runs.filter(_._2 == run).keys.toSeq.foreach(runs.remove)
    tasks.remove(run).foreach { done =>
      val stages = done.filter(_.embedded).map(_.stage).toSet
      if (stages.nonEmpty) {
        val report = reportOf(run, done.filter(task => stages(task.stage)).toSeq)
        keep(report)
        logInfo(report.text)
      }
    }
  }

  private def reportOf(run: Run, done: Seq[Done]): EmbedReport = {
    val shares = done.groupBy(_.info.executorId).toSeq.sortBy(_._1).map { case (executor, its) =>
      val counted = its.filter(_.info.successful)
      ExecutorShare(
        executor,
        its.head.info.host,
        its.size,
        counted.map(_.rows).sum,
        counted.map(_.tokens).sum,
        its.map(_.info.launchTime).min,
        its.map(_.info.finishTime).max)
    }
    val times = done
      .filter(_.info.successful)
      .map(d => PartitionTime(d.stage, d.info.index, d.info.executorId, d.info.duration / 1000.0))
      .sortBy(_.seconds)
    val execution = run match {
      case Query(id) => Some(id)
      case BareJob(_) => None
    }
    val price =
      context.getConf.getOption(EmbedSettings.hourlyCost).flatMap(text => scala.util.Try(text.toDouble).toOption)
    EmbedReport(
      execution,
      shares,
      times.lastOption,
      if (times.isEmpty) 0.0 else times(times.size / 2).seconds,
      done.count(!_.info.successful),
      price)
  }
}

object EmbedReporter {
  private sealed trait Counted
  private case object Rows extends Counted
  private case object Tokens extends Counted

  private val MaxReports = 100

  /** Metrics of so many plans: what comes later pushes out the oldest, which have long ended. */
  private val MaxWatched = 20000

  private val watched = new ConcurrentHashMap[Long, Counted]
  private val order = new mutable.Queue[Long] // guarded by this
  private val reports = new mutable.Queue[EmbedReport] // guarded by this
  private var listening: SparkContext = _ // guarded by this

  /** From now on tasks that count rows here are reported on. */
  private[emberline] def watch(context: SparkContext, rows: SQLMetric, tokens: SQLMetric): Unit = synchronized {
    if (listening ne context) {
      context.addSparkListener(new EmbedReporter(context))
      listening = context
    }
    for ((metric, what) <- Seq(rows -> Rows, tokens -> Tokens) if watched.put(metric.id, what) == null) {
      order.enqueue(metric.id)
    }
    while (order.size > MaxWatched) watched.remove(order.dequeue())
  }

  private def keep(report: EmbedReport): Unit = synchronized {
    reports.enqueue(report)
    while (reports.size > MaxReports) reports.dequeue()
  }

  /** The reports of this driver's latest queries, oldest first, as a JSON array. */
  def json: String = synchronized(reports.map(_.json).mkString("[", ",", "]"))
}
