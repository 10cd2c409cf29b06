// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import scala.jdk.CollectionConverters._
import scala.util.control.NonFatal

import io.emberline.OptionTable

import org.apache.spark.sql.catalyst.expressions.ExpressionInfo

/**
 * What DESCRIBE FUNCTION says. The options' part is written when it is asked for: it comes from the engine's own table,
 * and a session that never asks should not load the native library for it.
 */
private[emberline] final class EmbedFunctionInfo(kind: EmbedKind)
    extends ExpressionInfo(
      classOf[Embed].getName,
      null,
      kind.functionName,
      EmbedFunctionInfo.usage(kind),
      "",
      "",
      "",
      "",
      EmbedFunctionInfo.Since,
      "",
      "") {
  override def getArguments: String = EmbedFunctionInfo.arguments
  override def getExamples: String = EmbedFunctionInfo.examples(kind)
  override def getExtended: String = s"$getArguments$getExamples\n    Since: ${EmbedFunctionInfo.Since}\n"
}

private object EmbedFunctionInfo {

  /** The version of emberline, not of Spark. */
  val Since = "0.1.0"

  def usage(kind: EmbedKind): String = {
    val result = kind match {
      case EmbedKind.Strict => "the embedding of a text; a text that cannot be embedded fails the job"
      case EmbedKind.Lenient => "the embedding of a text, or null where it cannot be embedded"
      case EmbedKind.Details =>
        "the embedding of a text, its number of tokens, whether it was truncated, and why it has no embedding"
    }
    s"_FUNC_(input[, model][, option => value]...) - Returns $result. An array of texts gives an array of these. " +
      "With option output, embeddings are binary. " +
      "spark.emberline.<option> sets an option's default, that of model included."
  }

  def arguments: String =
    s"""
       |    Arguments:
       |      * input - a text: string, or binary that holds UTF-8; or an array of these, with one result for each
       |          element, in order. Null gives null, as a row and as an element.
       |      * model - a constant: the folder of a model in Hugging Face form, as a path or as a URI of storage that Hadoop
       |          reads. Without it, spark.emberline.model is taken.
       |      * option => value - constants, by name, or together as a map of texts: map('dims', '256').
       |$options
       |""".stripMargin

  def examples(kind: EmbedKind): String = {
    val shown = kind match {
      case EmbedKind.Details => "_FUNC_(text, '/models/all-MiniLM-L6-v2').tokens"
      case _ => "_FUNC_(text, '/models/all-MiniLM-L6-v2')"
    }
    s"""
       |    Examples:
       |      > SELECT $shown FROM docs;
       |      > SELECT _FUNC_(input => text, model => '/models/all-MiniLM-L6-v2', dims => 256) FROM docs;
       |      > SELECT _FUNC_(split(text, ' '), '/models/all-MiniLM-L6-v2', max_tokens => 64) FROM docs;
       |""".stripMargin.replace("_FUNC_", kind.functionName)
  }

  private def options: String =
    try {
      OptionTable
        .options()
        .values()
        .asScala
        .map { option =>
          val default = if (option.defaultValue.isEmpty) "the model's own" else option.defaultValue
          val values = if (option.choices.isEmpty) option.`type` else option.choices.replace(",", ", ")
          s"          - ${option.name} ($values; default: $default): ${option.help}"
        }
        .mkString("\n")
    } catch {
      case e @ (NonFatal(_) | _: LinkageError) =>
        s"          (the engine that lists its options cannot be loaded on this host: ${e.getMessage})"
    }
}
