// SPDX-License-Identifier: Apache-2.0
package emberline.spark

import org.apache.spark.sql.{SparkSessionExtensions, SparkSessionExtensionsProvider}
import org.apache.spark.sql.emberline.EmbedInjection

/**
 * Adds embed, try_embed and embed_details to a session. Found by Spark 4 on the class path; Spark 3.5 wants it named in
 * spark.sql.extensions. Both at once are harmless.
 */
class EmberlineExtensions extends SparkSessionExtensionsProvider {
  override def apply(extensions: SparkSessionExtensions): Unit = EmbedInjection(extensions)
}
