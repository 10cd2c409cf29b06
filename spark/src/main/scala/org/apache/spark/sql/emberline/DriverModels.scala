// SPDX-License-Identifier: Apache-2.0
package org.apache.spark.sql.emberline

import java.io.IOException
import java.nio.file.{Files, Path, Paths}
import java.util.{List => JavaList}

import scala.collection.mutable

import io.emberline.{EmberlineException, Engines, ModelFiles, ModelLocation, ModelSource, ModelVersion}

import org.apache.spark.SparkContext
import org.apache.spark.broadcast.Broadcast
import org.apache.spark.internal.Logging
import org.apache.spark.sql.internal.SQLConf

/**
 * Models as the driver finds them when a job begins: each task computes with that version or fails, and what executors may
 * lack is sent to them. Bytes of a folder become broadcasts once an application and version, and are kept for later jobs;
 * Spark's cleaner drops them when no job and no entry here refers to them.
 */
private[emberline] object DriverModels extends Logging {

  /** Of one broadcast: bounds what a driver reads and an executor unpacks at once. */
  private val PieceBytes = 16 << 20

  /** Models kept for later jobs; those of running ones live as long as these. */
  private val MaxKept = 8

  private case class Sent(seen: JavaList[ModelSource.Entry], version: ModelVersion)

  private var application = "" // guarded by this
  private val kept = new mutable.LinkedHashMap[Path, Sent] // guarded by this; the latest used last

  /** By the models' names. None for a name that executors resolve by themselves. */
  def versions(context: SparkContext, conf: SQLConf, models: Seq[String]): Map[String, ModelVersion] = {
    EmbedSite.cacheSize(context.getConf) // a wrong one is told before any task starts
    val maySend = !context.isLocal && sends(conf)
    models.distinct.flatMap(model => version(context, model, maySend).map(model -> _)).toMap
  }

  private def sends(conf: SQLConf): Boolean =
    conf.getConfString(EmbedSettings.sendModel, "true").toLowerCase(java.util.Locale.ROOT) match {
      case "true" => true
      case "false" => false
      case other =>
        throw new IllegalArgumentException(s"${EmbedSettings.sendModel}: got '$other', expected true or false")
    }

  private def version(context: SparkContext, model: String, maySend: Boolean): Option[ModelVersion] =
    Option(ModelLocation.localPath(model)) match {
      case None => onStorage(context, model)
      case Some(path) if !Files.isDirectory(Paths.get(path)) => None
      case Some(path) =>
        val folder = Paths.get(path)
        val seen = ModelFiles.list(folder)
        if (context.isLocal) Some(ModelVersion.listed(path, seen))
        else if (maySend && ModelFiles.hasWeights(seen)) Some(sent(context, folder, seen))
        else None
    }

  private def onStorage(context: SparkContext, model: String): Option[ModelVersion] = {
    val entries =
      try EmbedSite.source(context.getConf).list(model)
      catch {
        case e: IOException => // a driver without access to the storage, perhaps
          logWarning(s"The driver cannot list the model $model; executors look for themselves: $e")
          return None
      }
    if (!ModelFiles.hasWeights(entries))
      throw new EmberlineException(
        EmberlineException.IO,
        s"model $model on host ${Engines.host()}: no such folder, or no weights (*.safetensors) among its " +
          s"${entries.size} files of a model; " +
          "check the address, or convert the weights to safetensors there"
      )
    Some(ModelVersion.listed(model, entries))
  }

  private def sent(context: SparkContext, folder: Path, seen: JavaList[ModelSource.Entry]): ModelVersion =
    synchronized {
      if (application != context.applicationId) kept.clear()
      application = context.applicationId
      val version = kept.remove(folder) match {
        case Some(known) if known.seen == seen => known.version
        case _ => send(context, folder, seen)
      }
      kept.put(folder, Sent(seen, version))
      while (kept.size > MaxKept) kept.remove(kept.head._1)
      version
    }

  private def send(context: SparkContext, folder: Path, seen: JavaList[ModelSource.Entry]): ModelVersion = {
    val start = System.nanoTime()
    val pieces = Seq.newBuilder[Broadcast[Array[Byte]]]
    val entries = ModelVersion.cut(folder, seen, PieceBytes, piece => pieces += context.broadcast(piece))
    val broadcasts = pieces.result().toArray
    logInfo(
      s"The model $folder is sent to executors that lack it, in ${broadcasts.length} pieces of at most $PieceBytes bytes; " +
        s"reading it took ${(System.nanoTime() - start) / 1000000} ms")
    ModelVersion.sent(folder.toString, entries, new BroadcastPieces(broadcasts), PieceBytes)
  }
}

private final class BroadcastPieces(pieces: Array[Broadcast[Array[Byte]]]) extends ModelVersion.Pieces {
  override def piece(index: Int): Array[Byte] = pieces(index).value
}
