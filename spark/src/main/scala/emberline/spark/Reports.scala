// SPDX-License-Identifier: Apache-2.0
package emberline.spark

import org.apache.spark.sql.emberline.EmbedReporter

/** What the latest queries of this driver embedded: rows, tokens, executors, slowest partition, cost. */
object Reports {

  /**
   * A JSON array, oldest first, of at most a hundred queries. A query's report is there shortly after it has ended: Spark's
   * events come late.
   */
  def json: String = EmbedReporter.json
}
