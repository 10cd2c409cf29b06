// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import scala.collection.mutable.ArrayBuffer

import io.emberline.ModelVersion

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions._

/**
 * The rows of one partition, buffered, embedded on this thread batch by batch, and handed on with their results. Batches
 * start small and grow, so that a limit above pays for few rows, and end at a number of bytes, so that long texts do not
 * fill the memory. Locked: Spark's Python runner reads it from a thread of its own, while the task's end closes it.
 */
private[emberline] final class EmbedIterator(
    rows: Iterator[InternalRow],
    calls: Seq[(EmbedSpec, EmbedKind, Expression)],
    childOutput: Seq[Attribute],
    output: Seq[Attribute],
    metrics: EmbedMetrics,
    versions: Map[String, ModelVersion])
    extends Iterator[InternalRow] {
  private val context = TaskContext.get()
  private val types = calls.map(_._3.dataType).toArray
  private val sites =
    calls.map { case (spec, kind, input) =>
      RowSite(spec, kind, input.dataType, context, Some(metrics), versions.get(spec.model))
    }.toArray
  private val isConstant = calls.map(_._3.foldable).toArray
  // Strings stay where they are until a site copies them: this projection makes no copy of its own.
  private val inputs = MutableProjection.create(calls.map(_._3), childOutput)
  private val results = new GenericInternalRow(calls.size)
  private val joined = new JoinedRow
  private val toUnsafe = UnsafeProjection.create(output, output)

  private val buffer = new ArrayBuffer[InternalRow]
  private var position = 0
  private var rowsBefore = 0L // of this partition, ahead of the buffer
  private var batchTexts = BatchLimits.FirstTexts
  private var maxTexts = BatchLimits.MaxTexts
  private var opened = false
  private var closed = false

  context.addTaskCompletionListener[Unit](_ => close())

  override def hasNext: Boolean = synchronized {
    !closed && (position < buffer.size || fill())
  }

  override def next(): InternalRow = synchronized {
    if (!hasNext) throw new NoSuchElementException("end of the partition")
    var i = 0
    while (i < sites.length) {
      if (!isConstant(i)) results.update(i, sites(i).result(position, where(position)))
      i += 1
    }
    val row = toUnsafe(joined(buffer(position), results))
    position += 1
    row
  }

  private def where(row: Int): String =
    s"row ${rowsBefore + row} of partition ${context.partitionId()} (counted from 0)"

  private def fill(): Boolean = {
    rowsBefore += buffer.size
    buffer.clear()
    position = 0
    if (!rows.hasNext) {
      close()
      return false
    }
    context.killTaskIfInterrupted()
    if (!opened) open()
    forEachVarying(_.clear(batchTexts))
    var rowBytes = 0L
    var textBytes = 0L
    while (buffer.size < batchTexts && rowBytes + textBytes < BatchLimits.MaxBytes && haveRoom && rows.hasNext) {
      val row = rows.next().copy()
      buffer += row
      val values = inputs(row)
      textBytes = 0
      var i = 0
      while (i < sites.length) {
        if (!isConstant(i)) {
          sites(i).add(if (values.isNullAt(i)) null else values.get(i, types(i)))
          textBytes += sites(i).textBytes
        }
        i += 1
      }
      rowBytes += (row match {
        case unsafe: UnsafeRow => unsafe.getSizeInBytes
        case _ => EmbedIterator.GuessedRowBytes
      })
    }
    forEachVarying(_.run())
    batchTexts = math.min(batchTexts * 2, maxTexts)
    true
  }

  private def haveRoom: Boolean = {
    var i = 0
    while (i < sites.length && (isConstant(i) || sites(i).hasRoom(batchTexts))) i += 1
    i == sites.length
  }

  private def open(): Unit = {
    sites.foreach(_.clear(batchTexts))
    maxTexts = sites.map(_.maxTexts).min
    for (i <- sites.indices if isConstant(i)) {
      sites(i).add(calls(i)._3.eval())
      sites(i).run()
      results.update(i, sites(i).resultCopy(0, "the constant input"))
      sites(i).close()
    }
    opened = true
  }

  private def forEachVarying(action: RowSite => Unit): Unit =
    for (i <- sites.indices if !isConstant(i)) action(sites(i))

  private def close(): Unit = synchronized {
    closed = true
    sites.foreach(_.close())
  }
}

private object EmbedIterator {

  /** Of a row that does not tell its size. */
  val GuessedRowBytes = 256
}
