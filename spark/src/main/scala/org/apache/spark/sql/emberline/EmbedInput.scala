// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import org.apache.spark.sql.catalyst.expressions.{Cast, Expression, Literal}
import org.apache.spark.sql.types._

/** The types that a call may embed: a text, its UTF-8 bytes, or an array of either, with a vector for each element. */
private[emberline] object EmbedInput {
  val types: Seq[DataType] = Seq(StringType, BinaryType, ArrayType(StringType), ArrayType(BinaryType))

  def isAllowed(dataType: DataType): Boolean = dataType match {
    case ArrayType(element, _) => isText(element)
    case other => isText(other)
  }

  private def isText(dataType: DataType): Boolean = dataType match {
    case _: StringType | BinaryType => true // of any collation
    case _ => false
  }

  /** NULL and array() have no type of their own yet. */
  def typed(input: Expression): Expression = input.dataType match {
    case NullType => Literal(null, StringType)
    case ArrayType(NullType, containsNull) => Cast(input, ArrayType(StringType, containsNull))
    case _ => input
  }

  /** Whether a column comes from Spark's image data source, which has names for its fields but no type of its own. */
  def isImage(dataType: DataType): Boolean = dataType match {
    case struct: StructType => struct.fieldNames.sameElements(imageFields)
    case _ => false
  }

  private val imageFields = Array("origin", "height", "width", "nChannels", "mode", "data")
}
