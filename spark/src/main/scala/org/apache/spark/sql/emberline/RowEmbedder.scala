// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import scala.collection.mutable

import org.apache.spark.TaskContext
import org.apache.spark.unsafe.types.UTF8String

/** EmbedRow's engines: open for a task and freed with it, or, on a driver outside of any task, for one row. */
private[emberline] object RowEmbedder {
  private type Sites = mutable.HashMap[(EmbedSpec, EmbedKind), EmbedSite]
  private val byTask = new mutable.HashMap[TaskContext, Sites] // guarded by this

  def embed(spec: EmbedSpec, kind: EmbedKind, text: UTF8String): Any = {
    val context = TaskContext.get()
    if (context == null) {
      val site = new EmbedSite(spec, kind, null, None)
      try embedIn(site, text, "the row")
      finally site.close()
    } else {
      val sites = sitesOf(context)
      sites.synchronized {
        val site = sites.getOrElseUpdate((spec, kind), new EmbedSite(spec, kind, context, None))
        embedIn(site, text, s"a row of partition ${context.partitionId()}")
      }
    }
  }

  private def embedIn(site: EmbedSite, text: UTF8String, where: => String): Any = {
    site.clear(1)
    site.add(text)
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
