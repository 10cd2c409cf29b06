// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import java.nio.file.{Files, Paths}
import java.util.concurrent.ConcurrentHashMap

import scala.jdk.CollectionConverters._
import scala.util.Try

import org.apache.spark.{SparkConf, SparkContext}
import org.apache.spark.deploy.SparkHadoopUtil
import org.apache.spark.internal.Logging
import org.apache.spark.network.util.JavaUtils

/**
 * Models lie outside of the Java heap, where YARN and Kubernetes kill an executor that takes more than
 * spark.executor.memoryOverhead. Said on the driver, once a model, before the first executor dies of it.
 */
private[emberline] object MemoryAdvice extends Logging {
  private val Mega = 1L << 20

  /** What every task takes beside the weights: its batch's activations, texts and vectors. */
  private val PerTask = 64 * Mega

  private val checked = ConcurrentHashMap.newKeySet[(String, String)]()

  /** Warns where this model does not fit; a model whose size cannot be told is left to the executors. */
  def check(context: SparkContext, model: String): Unit = {
    val conf = context.getConf
    if (isLimited(conf) && checked.add((context.applicationId, model))) {
      for (bytes <- Try(weightBytes(model, conf)).toOption; text <- advice(conf, model, bytes)) logWarning(text)
    }
  }

  private def isLimited(conf: SparkConf): Boolean = {
    val master = conf.get("spark.master", "")
    master.startsWith("yarn") || master.startsWith("k8s")
  }

  /**
   * What to set, if weights of this many bytes on disk do not fit: they may be mapped and packed in f32 at once, so they
   * count twice.
   */
  def advice(conf: SparkConf, model: String, weightBytes: Long): Option[String] = {
    val tasks = math.max(1, conf.getInt("spark.executor.cores", 1) / math.max(1, conf.getInt("spark.task.cpus", 1)))
    val needed = 2 * weightBytes + tasks * PerTask
    val left = overhead(conf)
    if (needed <= left) None
    else {
      val missing = (needed + Mega - 1) / Mega
      Some(
        s"emberline: model $model takes up to $missing MiB outside of the Java heap of each executor ($tasks tasks at once), " +
          s"where ${left / Mega} MiB are left; set spark.executor.memoryOverhead to ${missing}m or more, or the resource " +
          "manager may kill executors")
    }
  }

  private def overhead(conf: SparkConf): Long = {
    def mebibytes(key: String): Option[Long] = conf.getOption(key).map(JavaUtils.byteStringAsMb)
    val heap = mebibytes("spark.executor.memory").getOrElse(1024L)
    val factor = conf.getDouble("spark.executor.memoryOverheadFactor", 0.1)
    val least = mebibytes("spark.executor.minMemoryOverhead").getOrElse(384L)
    mebibytes("spark.executor.memoryOverhead").getOrElse(math.max(least, (heap * factor).toLong)) * Mega
  }

  private def weightBytes(model: String, conf: SparkConf): Long = {
    val folder = Paths.get(model.stripPrefix("file:"))
    if (Files.isDirectory(folder)) {
      val files = Files.newDirectoryStream(folder, "*.safetensors")
      try files.asScala.map(Files.size(_)).sum
      finally files.close()
    } else {
      val source = new HadoopModelSource(SparkHadoopUtil.get.newConfiguration(conf))
      source.list(model).asScala.filter(_.path.endsWith(".safetensors")).map(_.length).sum
    }
  }
}
