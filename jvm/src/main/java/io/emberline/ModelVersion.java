// SPDX-License-Identifier: Apache-2.0
package io.emberline;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * A model as it was when a job began: all tasks of the job compute with this version or fail. Where hosts may lack the
 * model it carries pieces of the files' bytes, and is a source to copy it from.
 */
public final class ModelVersion implements ModelSource, Serializable {
  private static final long serialVersionUID = 1L;

  /** The bytes of all files one after the other, cut at equal lengths; fetched one at a time, from anywhere. */
  public interface Pieces extends Serializable {
    byte[] piece(int index);
  }

  private final String address;
  private final ArrayList<Entry> entries;
  private final Pieces pieces; // null where hosts read the model themselves
  private final int pieceBytes;

  private ModelVersion(String address, List<Entry> entries, Pieces pieces, int pieceBytes) {
    this.address = address;
    this.entries = new ArrayList<>(entries);
    this.pieces = pieces;
    this.pieceBytes = pieceBytes;
  }

  /** A model that every host reads at address by itself. */
  public static ModelVersion listed(String address, List<Entry> entries) {
    return new ModelVersion(address, entries, null, 0);
  }

  /** A model whose bytes are sent; entries as {@link #cut} gave them. */
  public static ModelVersion sent(String address, List<Entry> entries, Pieces pieces, int pieceBytes) {
    return new ModelVersion(address, entries, pieces, pieceBytes);
  }

  public boolean isSent() {
    return pieces != null;
  }

  /** The files, sorted by path. */
  public List<Entry> entries() {
    return entries;
  }

  /**
   * Reads the listed files of folder once and hands their bytes to sink in pieces of pieceBytes, the last one shorter;
   * never more than one piece is held here. Gives the entries with the fingerprints of what was read. Throws
   * IOException where the folder is no longer as it was listed.
   */
  public static List<Entry> cut(Path folder, List<Entry> listed, int pieceBytes, Consumer<byte[]> sink)
      throws IOException {
    List<Entry> read = new ArrayList<>();
    byte[] piece = new byte[pieceBytes];
    int filled = 0;
    for (Entry entry : listed) {
      MessageDigest digest = ModelFiles.sha256();
      try (InputStream input = Files.newInputStream(folder.resolve(entry.path))) {
        for (int n = input.read(piece, filled, pieceBytes - filled); n >= 0;
            n = input.read(piece, filled, pieceBytes - filled)) {
          digest.update(piece, filled, n);
          filled += n;
          if (filled == pieceBytes) {
            sink.accept(piece);
            piece = new byte[pieceBytes];
            filled = 0;
          }
        }
      }
      // Times differ from host to host and say nothing beside the contents.
      read.add(new Entry(entry.path, entry.length, 0, ModelFiles.fingerprint(digest)));
    }
    if (filled > 0) {
      sink.accept(Arrays.copyOf(piece, filled));
    }
    if (!ModelFiles.list(folder).equals(listed)) {
      throw new IOException(folder + " changed while it was read; run the query again");
    }
    return read;
  }

  /** Whether a local folder holds the files of this sent version: same paths and lengths, and same contents. */
  boolean equalsFilesOf(Path folder, List<Entry> local) throws IOException {
    if (local.size() != entries.size()) {
      return false;
    }
    for (int i = 0; i < entries.size(); i++) {
      if (!entries.get(i).path.equals(local.get(i).path) || entries.get(i).length != local.get(i).length) {
        return false;
      }
    }
    for (Entry entry : entries) {
      if (!ModelFiles.fingerprint(folder.resolve(entry.path)).equals(entry.fingerprint)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public List<Entry> list(String unused) {
    return entries;
  }

  @Override
  public InputStream open(String unused, String path) throws IOException {
    long begin = 0;
    for (Entry entry : entries) {
      if (entry.path.equals(path)) {
        return new PieceStream(begin, begin + entry.length);
      }
      begin += entry.length;
    }
    throw new FileNotFoundException(address + "/" + path + " was not sent with the model");
  }

  /** The bytes from position to end of all pieces. */
  private final class PieceStream extends InputStream {
    private long position;
    private final long end;
    private byte[] piece;
    private long index = -1;

    PieceStream(long position, long end) {
      this.position = position;
      this.end = end;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 255;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (position == end) {
        return -1;
      }
      if (position / pieceBytes != index) {
        index = position / pieceBytes;
        piece = pieces.piece(Math.toIntExact(index));
      }
      int at = (int) (position % pieceBytes);
      int count = (int) Math.min(Math.min(length, piece.length - at), end - position);
      if (count <= 0) {
        throw new IOException("piece " + index + " of " + address + ": got " + piece.length + " bytes, expected more");
      }
      System.arraycopy(piece, at, target, offset, count);
      position += count;
      return count;
    }
  }
}
