// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import java.io.File
import java.util.Locale

import scala.collection.mutable
import scala.jdk.CollectionConverters._
import scala.util.control.NonFatal

import io.emberline.{EmberlineException, OptionTable}

import org.apache.spark.sql.AnalysisException
import org.apache.spark.sql.catalyst.FunctionIdentifier
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry.FunctionBuilder
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.util.MapData
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.UTF8String

/** Names of spark.emberline.*: a default for every option, the model's among them, and these. */
private[emberline] object EmbedSettings {
  val prefix = "spark.emberline."

  /** Folder of this host's copies of remote models. */
  val cacheDir: String = prefix + "cacheDir"

  /** What an hour of one executor costs, in any currency, for the estimate in reports. */
  val hourlyCost: String = prefix + "hourlyCost"

  /** Bytes that this host's models and packed weights may take together, as Spark writes sizes: 20g. */
  val cacheSize: String = prefix + "cacheSize"

  /** Whether the driver sends a folder that executors may lack; a session may set it. */
  val sendModel: String = prefix + "sendModel"

  private val own = Set(cacheDir, cacheSize, sendModel, hourlyCost)

  /** The session's defaults by option name. */
  def defaults: Map[String, String] = SQLConf.get.getAllConfs.collect {
    case (key, value) if key.startsWith(prefix) && !own(key) => key.stripPrefix(prefix) -> value
  }
}

/** embed(input, model, option => value, ...) and its two variants: from arguments to a checked Embed. */
private[sql] object EmbedFunctions {
  private val kinds = Seq(EmbedKind.Strict, EmbedKind.Lenient, EmbedKind.Details)

  /** What the function registry of a session wants; one builder a function, however often it is registered. */
  val descriptions: Seq[(FunctionIdentifier, ExpressionInfo, FunctionBuilder)] = kinds.map { kind =>
    val builder: FunctionBuilder = arguments => build(kind, arguments)
    (FunctionIdentifier(kind.functionName), new EmbedFunctionInfo(kind), builder)
  }

  private def build(kind: EmbedKind, arguments: Seq[Expression]): Embed = {
    val byName = new mutable.LinkedHashMap[String, Expression]
    def give(name: String, value: Expression): Unit =
      if (byName.put(name, value).isDefined) refuse(kind, name, "given twice")

    val (positional, rest) = arguments.span(!_.isInstanceOf[NamedArgumentExpression])
    if (positional.size > 3 || positional.count(!_.dataType.isInstanceOf[MapType]) > 2) {
      refuse(
        kind,
        "options",
        "expected at most input, model and a map of options by position; name the others: option => value")
    }
    // input, model, and a map of options for callers that have no named arguments, as Python and Scala functions have none;
    // the model may be left to the session also then.
    val (maps, plain) = positional.partition(_.dataType.isInstanceOf[MapType])
    plain.zip(Seq("input", "model")).foreach { case (value, name) => give(name, value) }
    maps.foreach(optionsOfMap(kind, _).foreach { case (name, value) => give(name, value) })
    rest.foreach {
      case NamedArgumentExpression(name, value) => give(name.toLowerCase(Locale.ROOT), value)
      case _ => refuse(kind, "options", "arguments by position come before those by name")
    }

    val input =
      byName.remove("input").getOrElse(refuse(kind, "input", s"there is none: ${kind.functionName}(input, model)"))
    if (EmbedInput.isImage(input.dataType)) {
      refuse(
        kind,
        "input",
        s"${input.sql} is a column of images, ${input.dataType.catalogString}, but a model of this version takes text: " +
          "images are not supported yet. Embed a column of text, such as the images' captions"
      )
    }
    val values = EmbedSettings.defaults.map { case (name, value) =>
      if (name != "model") check(kind, name, value, EmbedSettings.prefix + name)
      name -> value
    } ++ byName.map { case (name, expression) =>
      val value = constant(kind, name, expression)
      if (name != "model") check(kind, name, value, name)
      name -> value
    }
    val model = values.getOrElse(
      "model",
      refuse(
        kind,
        "model",
        s"there is none: name one, ${kind.functionName}(input, model => '...'), or set spark.emberline.model"))
    Embed(EmbedInput.typed(input), EmbedSpec(located(model), (values - "model").toSeq.sorted), kind)
  }

  /** A relative path means the driver's folder: executors run in other ones. */
  private def located(model: String): String = {
    val file = new File(model)
    if (!file.isAbsolute && file.isDirectory) file.getAbsolutePath else model
  }

  private def optionsOfMap(kind: EmbedKind, argument: Expression): Seq[(String, Expression)] = argument.dataType match {
    case MapType(_: StringType, valueType, _) =>
      val map = evaluate(kind, "options", argument).asInstanceOf[MapData]
      if (map == null) refuse(kind, "options", "the map is null")
      val (names, values) = (map.keyArray(), map.valueArray())
      (0 until map.numElements()).map { i =>
        names.getUTF8String(i).toString.toLowerCase(Locale.ROOT) -> Literal(values.get(i, valueType), valueType)
      }
    case other =>
      refuse(
        kind,
        "options",
        s"the map must have texts for keys, but it is ${other.catalogString}")
  }

  private def constant(kind: EmbedKind, name: String, expression: Expression): String =
    evaluate(kind, name, expression) match {
      case null => refuse(kind, name, "it is null")
      case text: UTF8String => text.toString
      case value @ (_: Boolean | _: Byte | _: Short | _: Int | _: Long | _: Float | _: Double | _: Decimal) =>
        value.toString
      case _ =>
        refuse(kind, name, s"it must be a text, a number or a boolean, not ${expression.dataType.catalogString}")
    }

  private def evaluate(kind: EmbedKind, name: String, expression: Expression): Any = {
    val plain = expression.transform { case replaceable: RuntimeReplaceable => replaceable.replacement }
    if (!plain.foldable) refuse(kind, name, s"it must be a constant, but it is ${expression.sql}")
    try plain.eval()
    catch { case NonFatal(e) => refuse(kind, name, s"it cannot be computed: ${e.getMessage}", e) }
  }

  private def check(kind: EmbedKind, name: String, value: String, spelt: String): Unit =
    try OptionTable.check(name, value)
    catch {
      case e: EmberlineException => refuse(kind, spelt, e.getMessage, e)
    }

  private def refuse(kind: EmbedKind, parameter: String, message: String, cause: Throwable = null): Nothing =
    throw new AnalysisException(
      // Of Spark's own error classes the one that takes any sentence; PySpark cannot show an exception without a class.
      "INVALID_PARAMETER_VALUE.PATTERN",
      Map(
        "parameter" -> s"`$parameter`",
        "functionName" -> s"`${kind.functionName}`",
        "value" -> message.stripSuffix(".")),
      Option(cause)
    )

  /** The engine's option names, for documentation and tests. */
  def optionNames: Seq[String] = OptionTable.options().keySet().asScala.toSeq
}
