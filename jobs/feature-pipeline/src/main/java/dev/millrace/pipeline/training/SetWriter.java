package dev.millrace.pipeline.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.iceberg.shaded.org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.Group;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetWriter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalOutputFile;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.jspecify.annotations.Nullable;

/**
 * Writes the set, ordered by (time, id): one file and, beside it, what there is to know about it.
 * Both appear when they are complete, or not at all.
 *
 * <p>Its input is keyed by nothing in particular, so that batch mode sorts it by time, on disk
 * where it does not fit; rows of one time are ordered here.
 */
final class SetWriter extends AbstractStreamOperator<Void>
    implements OneInputStreamOperator<SetRow, Void>, BoundedOneInput {

  private static final long serialVersionUID = 1L;
  private static final Comparator<SetRow> IN_TIME =
      Comparator.comparing(SetRow::id)
          .thenComparingInt(SetRow::partition)
          .thenComparingLong(SetRow::offset);

  private final SetFile file;

  private transient List<SetRow> ofOneTime;
  private transient ParquetWriter<Group> writer;
  private transient SimpleGroupFactory groups;
  private transient boolean closed;
  private transient long[] nulls;
  private transient long rows;
  private transient long duplicates;

  @SuppressWarnings("NullAway.Init") // Flink opens an operator before it is used.
  SetWriter(SetFile file) {
    this.file = file;
  }

  @Override
  public void open() throws Exception {
    super.open();
    MessageType schema = file.schema();
    ofOneTime = new ArrayList<>();
    groups = new SimpleGroupFactory(schema);
    nulls = new long[schema.getFieldCount()];
    rows = 0;
    duplicates = 0;
    Path out = Path.of(file.out());
    if (out.getParent() != null) {
      Files.createDirectories(out.getParent());
    }
    Files.deleteIfExists(part());
    writer =
        ExampleParquetWriter.builder(new LocalOutputFile(part()))
            .withConf(new PlainParquetConfiguration())
            .withType(schema)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withExtraMetaData(new TreeMap<>(file.metadata()))
            .build();
  }

  @Override
  public void processElement(StreamRecord<SetRow> element) throws IOException {
    SetRow row = element.getValue();
    if (!ofOneTime.isEmpty() && ofOneTime.get(0).timeMillis() != row.timeMillis()) {
      flush();
    }
    ofOneTime.add(row);
  }

  @Override
  public void endInput() throws IOException {
    flush();
    writer.close();
    FooterOrder.settle(part());
    closed = true;
    Path sidecar = Path.of(file.out() + ".json");
    Path sidecarPart = sidecar.resolveSibling("." + sidecar.getFileName() + ".part");
    Files.writeString(sidecarPart, report());
    Files.move(sidecarPart, sidecar, StandardCopyOption.REPLACE_EXISTING);
    Files.move(part(), Path.of(file.out()), StandardCopyOption.REPLACE_EXISTING);
  }

  private void flush() throws IOException {
    ofOneTime.sort(IN_TIME);
    Set<List<@Nullable Object>> keys = new HashSet<>();
    for (SetRow row : ofOneTime) {
      if (!keys.add(Arrays.asList(row.keys()))) {
        duplicates++;
      }
      for (int i = 0; i < row.values().length; i++) {
        Object value = row.values()[i];
        if (value == null || (value instanceof Double number && Double.isNaN(number))) {
          nulls[file.leading() + i]++;
        }
      }
      Group record = groups.newGroup();
      file.fill(row, record);
      writer.write(record);
      rows++;
    }
    ofOneTime.clear();
  }

  private String report() throws IOException {
    ObjectNode report = new JsonMapper().createObjectNode();
    report.put("rows", rows);
    report.put("duplicates", duplicates);
    ObjectNode columns = report.putObject("nulls");
    MessageType schema = file.schema();
    for (int i = file.leading(); i < nulls.length; i++) {
      columns.put(schema.getFieldName(i), rows == 0 ? 0 : (double) nulls[i] / rows);
    }
    report.put("sha256", sha256(part()));
    ObjectNode from = report.putObject("from");
    new TreeMap<>(file.metadata()).forEach(from::put);
    try {
      return new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(report) + "\n";
    } catch (JsonProcessingException e) {
      throw new IOException("Cannot say what is in " + file.out(), e);
    }
  }

  private static String sha256(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path);
        DigestInputStream digest =
            new DigestInputStream(in, MessageDigest.getInstance("SHA-256"))) {
      digest.transferTo(java.io.OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(digest.getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot find SHA-256 in this JVM", e);
    }
  }

  private Path part() {
    Path out = Path.of(file.out());
    return out.resolveSibling("." + out.getFileName() + ".part");
  }

  @Override
  public void close() throws Exception {
    if (!closed && writer != null) {
      writer.close();
      Files.deleteIfExists(part());
    }
    super.close();
  }
}
