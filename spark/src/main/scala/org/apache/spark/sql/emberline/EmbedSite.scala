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
 * A call site whose rows are texts: its engine, its batch, and what its rows become. Opened by the first batch, so that an
 * empty partition loads nothing. context is null on a driver that evaluates outside of any task. Not thread-safe.
 */
private[emberline] final class EmbedSite(
    spec: EmbedSpec,
    kind: EmbedKind,
    context: TaskContext,
    metrics: Option[EmbedMetrics],
    version: Option[ModelVersion])
    extends RowSite {
  private var lease: Engines.Lease = _
  private var batch: EmbedBatch = _
  private val progress: Progress =
    if (context == null) null else (_: Long, _: Long, _: Long) => context.isInterrupted() || context.isCompleted()

  override def clear(expectedRows: Int): Unit = {
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
    if (lease.loadNanos() > 0) EngineLog.loaded(spec, lease.engine().info(), lease.loadNanos())
    batch = new EmbedBatch(lease.engine(), spec.isBinary)
  }

  @nowarn("cat=deprecation") // from 4.3 on; what takes its place is not there before
  private def cpus: Int = context.cpus()

  override def add(value: Any): Unit = value match {
    case bytes: Array[Byte] => batch.add(UTF8String.fromBytes(bytes))
    case text => batch.add(text.asInstanceOf[UTF8String])
  }

  /** Texts in the batch. */
  def size: Int = batch.rows()

  override def hasRoom(texts: Int): Boolean = size < texts

  override def textBytes: Long = batch.textBytes()

  override def maxTexts: Int =
    (BatchLimits.MaxBytes / batch.strideBytes()).toInt.max(BatchLimits.FirstTexts).min(BatchLimits.MaxTexts)

  override def run(): Unit = {
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
        m.bytes += batch.textBytes()
        m.tokensPerSecond.set(m.tokens.value * 1e9 / math.max(1L, m.engineTime.value))
      }
    }
  }

  override def result(row: Int, where: => String): Any = TextFailure.check(outcome(row, copied = false), where)

  override def resultCopy(row: Int, where: => String): Any = TextFailure.check(outcome(row, copied = true), where)

  /** A text's result, valid until clear or, copied, for good; or a TextFailure. */
  def outcome(row: Int, copied: Boolean): Any = batch.status(row) match {
    case EmbedCall.ROW_NULL => null
    case EmbedCall.ROW_OK =>
      val vector = if (copied) batch.vectorCopy(row) else batch.vector(row)
      if (kind == EmbedKind.Details) details(row, vector, null) else vector
    case status =>
      def reason = lease.engine().rowMessage(status)
      kind match {
        case EmbedKind.Strict => failure(row, reason)
        case EmbedKind.Lenient => null
        case EmbedKind.Details => details(row, null, UTF8String.fromString(reason))
      }
  }

  private def details(row: Int, vector: Any, error: UTF8String): InternalRow =
    new GenericInternalRow(Array[Any](vector, batch.tokens(row), batch.truncated(row), error))

  private def failure(row: Int, reason: String): TextFailure = {
    val tokens = batch.tokens(row)
    val size = s"${batch.textBytes(row)} bytes of text" + (if (tokens > 0) s", $tokens tokens" else "")
    new TextFailure(
      kind.functionName,
      s"$reason ($size; model ${spec.model}). try_embed gives null for such a text, embed_details the reason.")
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
