// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import io.emberline.ModelVersion

import org.apache.spark.TaskContext
import org.apache.spark.sql.types.{ArrayType, DataType}

/**
 * A call site within a task, as those see it who have rows: emptied by clear, filled with add, computed by run, read by
 * result. Not thread-safe; close may be called twice.
 */
private[emberline] trait RowSite extends AutoCloseable {

  /** Empties the batch; expectedRows come, or more or fewer. */
  def clear(expectedRows: Int): Unit

  /** The next row's input as Catalyst holds it: UTF8String, Array[Byte], ArrayData of either, or null. */
  def add(value: Any): Unit

  /** Whether another row may join a batch that is meant to hold this many texts. */
  def hasRoom(texts: Int): Boolean

  /** Bytes of text that wait in the batch. */
  def textBytes: Long

  /** Texts that a batch may hold without growing beyond BatchLimits; known after the first clear. */
  def maxTexts: Int

  /** Computes the batch. A killed task ends here, between two of the engine's batches. */
  def run(): Unit

  /** A row's result, valid until clear. where says which row it is, for a failure's message. */
  def result(row: Int, where: => String): Any

  /** A row's result for good: it outlives the batch. */
  def resultCopy(row: Int, where: => String): Any
}

private[emberline] object RowSite {

  /** context is null on a driver that evaluates outside of any task; version is none where no job said which one. */
  def apply(
      spec: EmbedSpec,
      kind: EmbedKind,
      input: DataType,
      context: TaskContext,
      metrics: Option[EmbedMetrics],
      version: Option[ModelVersion]): RowSite = {
    val texts = new EmbedSite(spec, kind, context, metrics, version)
    input match {
      case ArrayType(element, _) => new ArraySite(texts, element)
      case _ => texts
    }
  }
}

/** How much waits in memory for one call of the engine. */
private[emberline] object BatchLimits {

  /** A limit above pays for few rows: batches start with so many and double. */
  val FirstTexts = 16
  val MaxTexts = 4096

  /** Of buffered rows and texts, and of vectors. */
  val MaxBytes: Long = 16L << 20
}
