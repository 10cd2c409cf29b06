// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import org.apache.spark.sql.SparkSessionExtensions
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.{ColumnarRule, SparkPlan}

/** Where the functions and rules enter a session. */
object EmbedInjection {
  def apply(extensions: SparkSessionExtensions): Unit = {
    EmbedFunctions.descriptions.foreach { case description @ (name, info, builder) =>
      extensions.injectFunction(description)
      // A permanent view may only use functions that are not temporary, that is, built in.
      FunctionRegistry.builtin.synchronized {
        if (!FunctionRegistry.builtin.functionExists(name))
          FunctionRegistry.builtin.registerFunction(name, info, builder)
      }
    }
    extensions.injectPreCBORule(_ => IsolateEmbed)
    extensions.injectQueryStagePrepRule(_ => ExtractEmbed) // adaptive: the whole plan, before it is cut into stages
    extensions.injectColumnar(_ => BeforeTransitions) // not adaptive
  }

  private object BeforeTransitions extends ColumnarRule {
    override def preColumnarTransitions: Rule[SparkPlan] = ExtractEmbed
  }
}
