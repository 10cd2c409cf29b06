// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import scala.collection.mutable.ArrayBuffer

import org.apache.spark.sql.catalyst.util.{ArrayData, GenericArrayData}
import org.apache.spark.sql.types.{BinaryType, DataType}

/**
 * A call site whose rows are arrays of texts: elements of all rows are packed into the batches of one EmbedSite, and each
 * row gets an array of their results. A batch that is full is computed at once and its results are kept outside of it,
 * so that a row may have more elements than a batch.
 */
private[emberline] final class ArraySite(texts: EmbedSite, elementType: DataType) extends RowSite {
  import ArraySite.Row

  private val rows = new ArrayBuffer[Row] // null for a null array
  private var hasKept = false

  override def clear(expectedRows: Int): Unit = {
    rows.clear()
    hasKept = false
    texts.clear(expectedRows)
  }

  override def add(value: Any): Unit = value match {
    case null => rows += null
    case array: ArrayData =>
      val row = new Row(array.numElements())
      rows += row
      var i = 0
      while (i < row.size) {
        if (texts.size >= texts.maxTexts || texts.textBytes >= BatchLimits.MaxBytes) keep()
        if (row.waiting == 0) row.first = texts.size
        texts.add(if (array.isNullAt(i)) null else element(array, i))
        row.waiting += 1
        i += 1
      }
  }

  private def element(array: ArrayData, i: Int): Any =
    if (elementType == BinaryType) array.getBinary(i) else array.getUTF8String(i)

  /** What was kept is not in the batch any more, so it is handed on before more is added to it. */
  override def hasRoom(count: Int): Boolean = !hasKept && texts.size < count

  override def textBytes: Long = texts.textBytes
  override def maxTexts: Int = texts.maxTexts

  override def run(): Unit = if (texts.size > 0) texts.run()

  private def keep(): Unit = {
    texts.run()
    rows.foreach { row =>
      if (row != null) {
        if (row.kept == null) row.kept = new Array[Any](row.size)
        for (i <- 0 until row.waiting) row.kept(row.numKept + i) = texts.outcome(row.first + i, copied = true)
        row.numKept += row.waiting
        row.waiting = 0
      }
    }
    texts.clear(0)
    hasKept = true
  }

  override def result(row: Int, where: => String): Any = results(row, where, copied = false)

  override def resultCopy(row: Int, where: => String): Any = results(row, where, copied = true)

  private def results(index: Int, where: => String, copied: Boolean): Any = {
    val row = rows(index)
    if (row == null) return null
    val values = new Array[Any](row.size)
    var i = 0
    while (i < row.size) {
      val place = i
      val outcome = if (i < row.numKept) row.kept(i) else texts.outcome(row.first + i - row.numKept, copied)
      values(i) = TextFailure.check(outcome, s"element $place of $where")
      i += 1
    }
    new GenericArrayData(values)
  }

  override def close(): Unit = texts.close()
}

private object ArraySite {

  /** Of its elements, numKept have outcomes in kept, and waiting ones follow in the batch from first on. */
  final class Row(val size: Int) {
    var first = 0
    var waiting = 0
    var kept: Array[Any] = _
    var numKept = 0
  }
}
