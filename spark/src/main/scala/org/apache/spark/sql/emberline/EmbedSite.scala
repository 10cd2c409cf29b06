// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import java.nio.file.Paths

import scala.annotation.nowarn
import scala.jdk.CollectionConverters._

import io.emberline.{EmbedCall, EmberlineException, Engines, ModelCache, ModelSource, ModelVersion, Progress}

import org.apache.spark.{SparkConf, SparkEnv, TaskContext}
import org.apache.spark.deploy.SparkHadoopUtil
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow
import org.apache.spark.unsafe.types.UTF8String

/**
 * One call site within a task: its engine, its batch, and what its rows become. Opened by the first batch, so that an
 * empty partition loads nothing. context is null on a driver that evaluates outside of any task. Not thread-safe.
 */
private[emberline] final class EmbedSite(
    spec: EmbedSpec,
    kind: EmbedKind,
    context: TaskContext,
    metrics: Option[EmbedMetrics],
    version: Option[ModelVersion] = None)
    extends AutoCloseable {
  private var lease: Engines.Lease = _
  private var batch: EmbedBatch = _
  private val details = new GenericInternalRow(4)
  private val progress: Progress =
    if (context == null) null else (_: Long, _: Long, _: Long) => context.isInterrupted() || context.isCompleted()

  /** Empties the batch for up to this many rows. */
  def clear(expectedRows: Int): Unit = {
    if (batch == null) open()
    batch.clear(expectedRows)
  }

  private def open(): Unit = {
    val threads = if (context == null) 1 else math.max(1, cpus)
    val options = Map("threads" -> threads.toString) ++ spec.options
    lease = Engines.acquire(spec.model, version.orNull, options.asJava, EmbedSite.storage)
    metrics.foreach { m =>
      m.loadTime += lease.loadNanos()
      m.waitTime += lease.waitNanos()
    }
    batch = new EmbedBatch(lease.engine())
  }

  @nowarn("cat=deprecation") // from 4.3 on; what takes its place is not there before
  private def cpus: Int = context.cpus()

  def add(text: UTF8String): Unit = batch.add(text)

  def textBytes: Long = batch.textBytes()

  def strideBytes: Int = batch.strideBytes()

  /** Computes the batch. A killed task ends here, between two of the engine's batches. */
  def run(): Unit = {
    val start = System.nanoTime()
    try batch.run(progress)
    catch {
      case e: EmberlineException =>
        if (e.code() == EmberlineException.CANCELLED && context != null) context.killTaskIfInterrupted()
        throw new EmberlineException(e.code(), s"${kind.functionName} with model ${spec.model}: ${e.getMessage}", e)
    } finally {
      metrics.foreach { m =>
        m.engineTime += System.nanoTime() - start
        m.rows += batch.statistic(EmbedCall.ROWS)
        m.tokens += batch.statistic(EmbedCall.TOTAL_TOKENS)
        m.batches += batch.statistic(EmbedCall.BATCHES)
        m.truncated += batch.statistic(EmbedCall.TRUNCATED_ROWS)
        m.failed += batch.statistic(EmbedCall.FAILED)
        m.nulls += batch.statistic(EmbedCall.NULLS)
      }
    }
  }

  /** A row's result, valid until the next one is asked for. where says which row it is, for a failure's message. */
  def result(row: Int, where: => String): Any = batch.status(row) match {
    case EmbedCall.ROW_NULL => null
    case EmbedCall.ROW_OK =>
      if (kind == EmbedKind.Details) fill(row, batch.vector(row), null) else batch.vector(row)
    case status =>
      lazy val reason = lease.engine().rowMessage(status)
      kind match {
        case EmbedKind.Strict =>
          throw new EmberlineException(EmberlineException.INVALID_ARGUMENT, failure(row, where, reason))
        case EmbedKind.Lenient => null
        case EmbedKind.Details => fill(row, null, UTF8String.fromString(reason))
      }
  }

  /** A row's result for good: it outlives the batch. */
  def resultCopy(row: Int, where: => String): Any = result(row, where) match {
    case null => null
    case struct: InternalRow =>
      val kept = struct.copy().asInstanceOf[GenericInternalRow]
      if (!kept.isNullAt(0)) kept.update(0, batch.vectorCopy(row))
      kept
    case _ => batch.vectorCopy(row)
  }

  private def fill(row: Int, vector: Any, error: UTF8String): InternalRow = {
    details.update(0, vector)
    details.update(1, batch.tokens(row))
    details.update(2, batch.truncated(row))
    details.update(3, error)
    details
  }

  private def failure(row: Int, where: String, reason: String): String = {
    val tokens = batch.tokens(row)
    val size = s"${batch.textBytes(row)} bytes of text" + (if (tokens > 0) s", $tokens tokens" else "")
    s"${kind.functionName}: $where has no vector: $reason ($size; model ${spec.model}). " +
      "try_embed gives null for such a row, embed_details the reason."
  }

  override def close(): Unit = {
    if (batch != null) batch.close()
    if (lease != null) lease.close()
  }
}

private[emberline] object EmbedSite {

  /** Where this JVM reads remote models and keeps its copies. */
  private lazy val storage: Engines.Storage = {
    val conf = SparkEnv.get.conf
    val named = conf.getOption(EmbedSettings.cacheDir)
    val fallback =
      Paths.get(System.getProperty("java.io.tmpdir"), s"emberline-models-${System.getProperty("user.name")}")
    val cache = new ModelCache(named.map(Paths.get(_)).getOrElse(fallback), cacheSize(conf))
    new Engines.Storage(source(conf), cache, named.isDefined)
  }

  def source(conf: SparkConf): ModelSource = new HadoopModelSource(SparkHadoopUtil.get.newConfiguration(conf))

  /** In bytes. */
  def cacheSize(conf: SparkConf): Long =
    try conf.getSizeAsBytes(EmbedSettings.cacheSize, "20g")
    catch {
      case e: IllegalArgumentException => // NumberFormatException among them
        throw new IllegalArgumentException(
          s"${EmbedSettings.cacheSize}: got '${conf.get(EmbedSettings.cacheSize)}', expected a size such as 20g or 500m",
          e)
    }
}
