// SPDX-License-Identifier: Apache-2.0
package emberline.spark

import org.apache.spark.ml.Transformer
import org.apache.spark.ml.linalg.{SQLDataTypes, Vector, Vectors}
import org.apache.spark.ml.param.{Param, ParamMap, ParamValidators, StringArrayParam}
import org.apache.spark.ml.param.shared.{HasInputCol, HasOutputCol}
import org.apache.spark.ml.util.{DefaultParamsReadable, DefaultParamsWritable, Identifiable}
import org.apache.spark.sql.{DataFrame, Dataset}
import org.apache.spark.sql.functions.udf
import org.apache.spark.sql.types.{BinaryType, StringType, StructField, StructType}

/**
 * A stage of Spark ML pipelines that turns a column of texts into a column of vectors:
 * {{{
 * new EmbeddingTransformer().setInputCol("text").setOutputCol("features").setModel("/models/all-MiniLM-L6-v2")
 * }}}
 * Input is string or binary (UTF-8), output Spark ML's Vector, with null for null. Python has the same stage under the same
 * name, and either reads what the other saved: the settings, never the model.
 */
class EmbeddingTransformer(override val uid: String)
    extends Transformer
    with HasInputCol
    with HasOutputCol
    with DefaultParamsWritable {

  def this() = this(Identifiable.randomUID("EmbeddingTransformer"))

  /** Folder of the model, as a path or a URI; unset: spark.emberline.model. */
  final val model: Param[String] =
    new Param[String](this, "model", "folder of the model, as a path or a URI; unset: spark.emberline.model")

  /** As texts, because these every kind of Spark ML's persistence can write. */
  final val options: StringArrayParam = new StringArrayParam(
    this,
    "options",
    "options of the engine, each as name=value",
    (values: Array[String]) => values.forall(_.indexOf('=') > 0))

  final val errors: Param[String] = new Param[String](
    this,
    "errors",
    "what a text that cannot be embedded does: raise fails the job, null gives a null vector",
    ParamValidators.inArray(EmbeddingTransformer.errorChoices)
  )

  setDefault(options -> Array.empty[String], errors -> "raise")

  def setInputCol(value: String): this.type = set(inputCol, value)
  def setOutputCol(value: String): this.type = set(outputCol, value)
  def setModel(value: String): this.type = set(model, value)

  /** "raise" or "null". */
  def setErrors(value: String): this.type = {
    require(
      EmbeddingTransformer.errorChoices.contains(value),
      s"$uid: errors must be one of ${EmbeddingTransformer.errorChoices.mkString(", ")}, not $value")
    set(errors, value)
  }

  /** All options at once: setOptions("dims" -> 256, "pooling" -> "cls"). */
  def setOptions(values: (String, Any)*): this.type =
    set(options, values.map { case (name, value) => s"$name=$value" }.toArray)

  /** One option, beside those that are set. */
  def setOption(name: String, value: Any): this.type =
    setOptions((getOptions + (name -> value.toString)).toSeq: _*)

  def getModel: String = $(model)
  def getErrors: String = $(errors)

  def getOptions: Map[String, String] = $(options).map { option =>
    val at = option.indexOf('=')
    option.take(at) -> option.drop(at + 1)
  }.toMap

  override def transform(dataset: Dataset[_]): DataFrame = {
    transformSchema(dataset.schema, logging = true)
    val function = if ($(errors) == "null") "try_embed" else "embed"
    // Whatever the session's default is: Spark ML's vectors are made of numbers.
    val settings = getOptions + ("output" -> EmbeddingTransformer.Numbers)
    val embedding = functions.call(function, dataset.col($(inputCol)), get(model), settings.toSeq)
    dataset.withColumn($(outputCol), EmbeddingTransformer.toVector(embedding))
  }

  /** The schema with the output column; IllegalArgumentException where input or output column do not fit. */
  override def transformSchema(schema: StructType): StructType = {
    val input = schema($(inputCol)).dataType
    require(
      input.isInstanceOf[StringType] || input == BinaryType,
      s"$uid: column ${$(inputCol)} must be string or binary, one text a row, but it is ${input.catalogString}. " +
        "For arrays of texts explode the column first"
    )
    val output = getOptions.getOrElse("output", EmbeddingTransformer.Numbers)
    require(
      output == EmbeddingTransformer.Numbers,
      s"$uid: option output must be ${EmbeddingTransformer.Numbers}, of which a vector column is made, not $output. " +
        "embed gives other forms, as binary"
    )
    require(
      !schema.fieldNames.contains($(outputCol)),
      s"$uid: there is a column ${$(outputCol)} already; set another outputCol or drop it first")
    StructType(schema.fields :+ StructField($(outputCol), SQLDataTypes.VectorType, nullable = true))
  }

  override def copy(extra: ParamMap): EmbeddingTransformer = defaultCopy(extra)
}

object EmbeddingTransformer extends DefaultParamsReadable[EmbeddingTransformer] {

  private val errorChoices = Array("raise", "null")
  private val Numbers = "float32"

  /** As Spark's array_to_vector, which fails on null. */
  private val toVector = udf(vectorOf _)

  private def vectorOf(embedding: Array[Float]): Vector =
    if (embedding == null) null else Vectors.dense(embedding.map(_.toDouble))

  /** A stage that this class or Python's saved. */
  override def load(path: String): EmbeddingTransformer = super.load(path)
}
