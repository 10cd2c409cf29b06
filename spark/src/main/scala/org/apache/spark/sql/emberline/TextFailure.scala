// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import io.emberline.EmberlineException

/** Takes the place of a vector where a text has none and the function is to fail: thrown when its row is asked for. */
private[emberline] final class TextFailure(functionName: String, reason: String) {
  def at(where: String): Nothing =
    throw new EmberlineException(
      EmberlineException.INVALID_ARGUMENT,
      s"$functionName: $where has no vector: $reason")
}

private[emberline] object TextFailure {

  /** The outcome of a text, unless it is a failure. */
  def check(outcome: Any, where: => String): Any = outcome match {
    case failure: TextFailure => failure.at(where)
    case result => result
  }
}
