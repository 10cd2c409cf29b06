// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import org.apache.spark.sql.catalyst.expressions._

/**
 * Keeps the promise of CASE and IF once their calls are computed ahead of them: a call in a branch gets null for input on
 * rows that do not take this branch, so a row that the query guards against is neither embedded nor able to fail the job.
 */
private[emberline] object Branches {
  def guard(expression: Expression): Expression = if (Embed.in(expression)) guard(expression, None) else expression

  private def guard(expression: Expression, taken: Option[Expression]): Expression = expression match {
    case call: Embed =>
      val input = guard(call.child, taken)
      call.copy(child = taken.fold(input)(If(_, input, Literal(null, input.dataType))))
    case branch @ If(condition, yes, no) if usable(condition) =>
      branch.copy(
        trueValue = guard(yes, both(taken, isTrue(condition))),
        falseValue = guard(no, both(taken, Not(isTrue(condition)))))
    case cases: CaseWhen if cases.branches.forall { case (condition, _) => usable(condition) } =>
      var open = taken // rows that no branch so far has taken
      val branches = cases.branches.map { case (condition, value) =>
        val guarded = guard(value, both(open, isTrue(condition)))
        open = both(open, Not(isTrue(condition)))
        (condition, guarded)
      }
      cases.copy(branches = branches, elseValue = cases.elseValue.map(guard(_, open)))
    case lambda: LambdaFunction => lambda
    case other => other.mapChildren(guard(_, taken))
  }

  /** A condition may be evaluated once more beside its own place only if it always says the same and costs little. */
  private def usable(condition: Expression): Boolean = condition.deterministic && !Embed.in(condition)

  private def isTrue(condition: Expression): Expression = EqualNullSafe(condition, Literal.TrueLiteral)

  private def both(left: Option[Expression], right: Expression): Option[Expression] =
    Some(left.fold(right)(And(_, right)))
}
