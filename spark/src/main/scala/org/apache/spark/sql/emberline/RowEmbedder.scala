// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import scala.collection.mutable

import org.apache.spark.TaskContext
import org.apache.spark.sql.types.DataType

/** EmbedRow's engines: open for a task and freed with it, or, on a driver outside of any task, for one row. */
private[emberline] object RowEmbedder {
  private type Sites = mutable.HashMap[(EmbedSpec, EmbedKind, DataType), RowSite]
  private val byTask = new mutable.HashMap[TaskContext, Sites] // guarded by this

  /** What a value of this type becomes; it is not null. */
  def embed(spec: EmbedSpec, kind: EmbedKind, input: DataType, value: Any): Any = {
    val context = TaskContext.get()
    if (context == null) {
      val site = RowSite(spec, kind, input, null, None, None)
      try embedIn(site, value, "the row")
      finally site.close()
    } else {
      val sites = sitesOf(context)
      sites.synchronized {
        val site = sites.getOrElseUpdate((spec, kind, input), RowSite(spec, kind, input, context, None, None))
        embedIn(site, value, s"a row of partition ${context.partitionId()}")
      }
    }
  }

  private def embedIn(site: RowSite, value: Any, where: => String): Any = {
    site.clear(1)
    site.add(value)
    site.run()
    site.resultCopy(0, where)
  }

  private def sitesOf(context: TaskContext): Sites = {
    val (sites, isNew) = synchronized {
      byTask.get(context) match {
        case Some(known) => (known, false)
        case None =>
          val created = new Sites
          byTask.put(context, created)
          (created, true)
      }
    }
    if (isNew) {
      context.addTaskCompletionListener[Unit] { _ =>
        synchronized(byTask.remove(context))
        sites.synchronized(sites.values.foreach(_.close()))
      }
    }
    sites
  }
}
