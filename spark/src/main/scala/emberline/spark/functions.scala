// SPDX-License-Identifier: Apache-2.0
package emberline.spark

import org.apache.spark.sql.Column
import org.apache.spark.sql.functions.{call_function, lit, map}

/**
 * The SQL functions as Scala functions: embed($"text", model = "/models/all-MiniLM-L6-v2", "dims" -> 256). Without a model,
 * spark.emberline.model is taken. input is a column of string or binary (UTF-8), or of arrays of these, which give an array
 * of results; any other type, an unknown option or a value out of its range is an AnalysisException.
 */
object functions {

  /** The embedding, array<float>, or binary with option output; a text that cannot be embedded fails the job. */
  def embed(input: Column, model: String, options: (String, Any)*): Column = call("embed", input, Some(model), options)

  def embed(input: Column): Column = call("embed", input, None, Nil)

  /** The embedding, array<float> or binary, or null for a text that cannot be embedded. */
  def try_embed(input: Column, model: String, options: (String, Any)*): Column =
    call("try_embed", input, Some(model), options)

  def try_embed(input: Column): Column = call("try_embed", input, None, Nil)

  /** struct<embedding, tokens, truncated, error>. */
  def embed_details(input: Column, model: String, options: (String, Any)*): Column =
    call("embed_details", input, Some(model), options)

  def embed_details(input: Column): Column = call("embed_details", input, None, Nil)

  private[spark] def call(name: String, input: Column, model: Option[String], options: Seq[(String, Any)]): Column = {
    val texts = options.flatMap { case (option, value) => Seq(lit(option), lit(value.toString)) }
    val arguments = Seq(input) ++ model.map(lit(_)) ++ (if (texts.isEmpty) Nil else Seq(map(texts: _*)))
    call_function(name, arguments: _*)
  }
}
