package dev.millrace.pipeline.training;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.apache.iceberg.shaded.org.apache.parquet.format.ColumnChunk;
import org.apache.iceberg.shaded.org.apache.parquet.format.ColumnMetaData;
import org.apache.iceberg.shaded.org.apache.parquet.format.FileMetaData;
import org.apache.iceberg.shaded.org.apache.parquet.format.RowGroup;
import org.apache.iceberg.shaded.org.apache.parquet.format.Util;

/**
 * Makes the bytes of a Parquet file depend on nothing but what was written.
 *
 * <p>Parquet's writer collects the encodings of a column in a hash set of enum constants, which
 * hash by identity: the footer lists them in an order that differs from JVM to JVM, and from job to
 * job in one, as each has its own class loader (apache/parquet-java#3215). To a reader they are a
 * set, so they are listed by number here; all else in the file has its order already.
 */
final class FooterOrder {

  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  /** Rewrites the footer of a file that is complete and not yet seen by anybody. */
  static void settle(Path file) throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      long end = bytes.length() - Integer.BYTES - MAGIC.length;
      bytes.seek(end);
      byte[] footer = new byte[Integer.reverseBytes(bytes.readInt())];
      long start = end - footer.length;
      bytes.seek(start);
      bytes.readFully(footer);
      byte[] settled = settled(footer);
      bytes.seek(start);
      bytes.write(settled);
      bytes.writeInt(Integer.reverseBytes(settled.length));
      bytes.write(MAGIC);
      bytes.setLength(bytes.getFilePointer());
    }
  }

  private static byte[] settled(byte[] footer) throws IOException {
    FileMetaData metadata = Util.readFileMetaData(new ByteArrayInputStream(footer));
    for (RowGroup group : metadata.getRow_groups()) {
      for (ColumnChunk column : group.getColumns()) {
        ColumnMetaData about = column.getMeta_data();
        about.setEncodings(about.getEncodings().stream().sorted().toList());
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(footer.length);
    Util.writeFileMetaData(metadata, out);
    return out.toByteArray();
  }

  private FooterOrder() {}
}
