// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import org.apache.spark.SparkContext
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}

/** What EmbedExec counts, under the names the Spark UI shows. */
private[emberline] case class EmbedMetrics(
    rows: SQLMetric,
    tokens: SQLMetric,
    batches: SQLMetric,
    engineTime: SQLMetric,
    waitTime: SQLMetric,
    loadTime: SQLMetric,
    truncated: SQLMetric,
    failed: SQLMetric,
    nulls: SQLMetric,
    bytes: SQLMetric,
    tokensPerSecond: SQLMetric)

private[emberline] object EmbedMetrics {
  def create(context: SparkContext): Map[String, SQLMetric] = {
    def count(key: String, name: String) = key -> SQLMetrics.createMetric(context, name)
    // The initial value is spelt out: not every distribution of Spark has this method's default argument.
    def time(key: String, name: String) = key -> SQLMetrics.createNanoTimingMetric(context, name, -1)
    Map(
      count("rows", "rows embedded"),
      count("tokens", "tokens"),
      count("batches", "engine batches"),
      time("engineTime", "time in engine"),
      time("waitTime", "time waiting for another task to load the model"),
      time("loadTime", "time loading the model"),
      count("truncated", "rows truncated"),
      count("failed", "rows failed"),
      count("nulls", "null rows"),
      "bytes" -> SQLMetrics.createSizeMetric(context, "size of inputs", -1),
      "tokensPerSecond" -> SQLMetrics.createAverageMetric(context, "tokens per second of engine time")
    )
  }

  def of(metrics: String => SQLMetric): EmbedMetrics = EmbedMetrics(
    metrics("rows"),
    metrics("tokens"),
    metrics("batches"),
    metrics("engineTime"),
    metrics("waitTime"),
    metrics("loadTime"),
    metrics("truncated"),
    metrics("failed"),
    metrics("nulls"),
    metrics("bytes"),
    metrics("tokensPerSecond")
  )
}
