// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult.{DataTypeMismatch, TypeCheckSuccess}
import org.apache.spark.sql.catalyst.expressions.{Expression, UnaryExpression, Unevaluable}
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenFallback
import org.apache.spark.sql.errors.QueryErrorsBase
import org.apache.spark.sql.types._

/** What a text without a vector becomes, and so the function's name and type. */
sealed abstract class EmbedKind(val functionName: String) extends Serializable {

  /** The type of a call's result: one result a text, and so an array of them for an array. */
  def resultType(input: DataType, vector: DataType): DataType = input match {
    case ArrayType(_, containsNull) => ArrayType(textType(vector), containsNull || this == EmbedKind.Lenient)
    case _ => textType(vector)
  }

  protected def textType(vector: DataType): DataType = vector
}

object EmbedKind {

  /** Fails the job. */
  case object Strict extends EmbedKind("embed")

  /** Null. */
  case object Lenient extends EmbedKind("try_embed")

  /** The reason, beside a null vector. */
  case object Details extends EmbedKind("embed_details") {
    override protected def textType(vector: DataType): DataType = StructType(
      Seq(
        StructField("embedding", vector),
        StructField("tokens", IntegerType, nullable = false),
        StructField("truncated", BooleanType, nullable = false),
        StructField("error", StringType)
      ))
  }
}

/** The engine that a call wants: model and options by name, sorted, as the engine's option table spells them. */
case class EmbedSpec(model: String, options: Seq[(String, String)]) {

  /** Whether option output asks for another form than floats: its bytes then, as the engine writes them. */
  def isBinary: Boolean = options.exists { case (name, value) => name == "output" && value != "float32" }

  /** The type of one vector. */
  def vectorType: DataType = if (isBinary) BinaryType else ArrayType(FloatType, containsNull = false)

  override def toString: String = {
    val unset = Seq("device", "dtype").filterNot(name => options.exists(_._1 == name)).map(_ -> "auto")
    (("model" -> model) +: (unset ++ options)).map { case (name, value) => s"$name=$value" }.mkString(", ")
  }
}

/**
 * A call of embed, try_embed or embed_details. Never evaluated, so that no optimizer rule runs the model on the driver:
 * ExtractEmbed turns it into an EmbedExec, or where a row cannot wait for others, into an EmbedRow.
 */
case class Embed(child: Expression, spec: EmbedSpec, kind: EmbedKind) extends UnaryExpression with Unevaluable {
  override def prettyName: String = kind.functionName
  override def dataType: DataType = kind.resultType(child.dataType, spec.vectorType)
  override def nullable: Boolean = child.nullable || kind == EmbedKind.Lenient
  override def toString: String = s"$prettyName($child, $spec)"

  override def checkInputDataTypes(): TypeCheckResult =
    if (EmbedInput.isAllowed(child.dataType)) TypeCheckSuccess
    else {
      DataTypeMismatch(
        errorSubClass = "UNEXPECTED_INPUT_TYPE",
        messageParameters = Map(
          "paramIndex" -> "first",
          "requiredType" -> EmbedInput.types.map(Embed.typeText).mkString("(", " or ", ")"),
          "inputSql" -> Embed.expressionText(child),
          "inputType" -> Embed.typeText(child.dataType)
        )
      )
    }

  def byRow: EmbedRow = EmbedRow(child, spec, kind)

  override protected def withNewChildInternal(newChild: Expression): Embed = copy(child = newChild)
}

object Embed extends QueryErrorsBase {
  private def typeText(dataType: DataType): String = toSQLType(dataType)
  private def expressionText(expression: Expression): String = toSQLExpr(expression)

  def in(expression: Expression): Boolean = expression.exists(_.isInstanceOf[Embed])
}

/** The same call, one row at a time: right anywhere an expression may stand, at the price of batches of one. */
case class EmbedRow(child: Expression, spec: EmbedSpec, kind: EmbedKind) extends UnaryExpression with CodegenFallback {
  override def prettyName: String = kind.functionName
  override def dataType: DataType = kind.resultType(child.dataType, spec.vectorType)
  override def nullable: Boolean = child.nullable || kind == EmbedKind.Lenient
  override def foldable: Boolean = false
  override def toString: String = s"$prettyName($child, $spec)"

  override def eval(input: InternalRow): Any = {
    val value = child.eval(input)
    if (value == null) null else RowEmbedder.embed(spec, kind, child.dataType, value)
  }

  override protected def withNewChildInternal(newChild: Expression): EmbedRow = copy(child = newChild)
}
