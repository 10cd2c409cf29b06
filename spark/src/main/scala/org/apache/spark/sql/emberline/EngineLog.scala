// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import scala.jdk.CollectionConverters._
import scala.util.Try

import org.apache.spark.internal.Logging

/** Tells in an executor's log what a model that it loaded runs on, and why. */
private[emberline] object EngineLog extends Logging {
  private val json = new ObjectMapper

  /** info is the engine's JSON. */
  def loaded(spec: EmbedSpec, info: String, nanos: Long): Unit =
    Try(line(spec, json.readTree(info), nanos)).foreach { case (text, warnings) =>
      logInfo(text)
      warnings.foreach(warning => logWarning(s"model ${spec.model}: $warning"))
    }

  private[emberline] def line(spec: EmbedSpec, info: JsonNode, nanos: Long): (String, Seq[String]) = {
    def text(name: String): String = info.path(name).asText("?")
    val asked = spec.options.toMap
    val device = asked.get("device").filter(_ != "auto").map(_ => "asked for").getOrElse("the best of this build")
    val dtype = asked
      .get("dtype")
      .filter(_ != "auto")
      .map(_ => "asked for")
      .getOrElse("the fastest of f32 and bf16 on this processor")
    val forced =
      Option(System.getenv("EMBERLINE_ISA")).map(_ => "EMBERLINE_ISA").getOrElse("the best this processor has")
    val line =
      s"loaded model ${spec.model} in ${nanos / 1000000} ms: device ${text("device")} ($device), instruction set " +
        s"${text("isa")} ($forced), dtype ${text("dtype")} ($dtype), ${text("dim")} dimensions"
    (line, info.path("warnings").elements().asScala.map(_.asText()).toSeq)
  }
}
