package dev.millrace.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

class WireFormatTest {

  private static final int ID = 7;

  @Test
  void aRecordComesBack() throws IOException {
    assertThat(reader().read(record())).hasToString(prediction().toString());
  }

  /** Some of these are records again; no other may end in anything but the one exception. */
  @Test
  void whateverIsWrongWithTheBytesTheRecordIsUnreadable() throws IOException {
    Random random = new Random(20261122);
    WireFormat.Reader reader = reader();
    int unreadable = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = record();
      switch (i % 3) {
        case 0 -> bytes = Arrays.copyOf(bytes, 5 + random.nextInt(bytes.length - 5));
        case 1 -> {
          int from = 5 + random.nextInt(bytes.length - 5);
          for (int at = from; at < Math.min(bytes.length, from + 12); at++) {
            bytes[at] = (byte) random.nextInt(256);
          }
        }
        default -> Arrays.fill(bytes, 5 + random.nextInt(60), bytes.length, (byte) 0xff);
      }
      try {
        assertThat(reader.read(bytes)).isNotNull();
      } catch (WireFormat.UnreadableException e) {
        unreadable++;
        assertThat(e).hasMessageStartingWith("Cannot decode a record of Prediction");
      }
    }
    assertThat(unreadable).isGreaterThan(10_000);
    assertThat(reader.read(record())).as("the reader goes on").isNotNull();
  }

  /** The length of a text is read before the text: this one would take half a gigabyte. */
  @Test
  void aLengthThatTheRecordCannotHaveIsNotAllocated() {
    byte[] bytes = {0, 0, 0, 0, ID, (byte) 0x80, (byte) 0x80, (byte) 0x80, (byte) 0x80, 4, 'a'};
    long before = allocated();
    assertThatThrownBy(() -> reader().read(bytes))
        .isInstanceOf(WireFormat.UnreadableException.class);
    assertThat(allocated() - before).isLessThan(64L << 20);
  }

  @Test
  void whatIsNotFramedIsUnreadableToo() {
    for (byte[] bytes : new byte[][] {null, {}, {0, 0, 0}, {1, 0, 0, 0, 7, 0}}) {
      assertThatThrownBy(() -> reader().read(bytes))
          .isInstanceOf(WireFormat.UnreadableException.class)
          .hasMessageContaining("magic byte");
    }
  }

  @Test
  void anUnknownSchemaSaysSo() {
    assertThatThrownBy(() -> reader().read(new byte[] {0, 0, 0, 0, 8, 0}))
        .isInstanceOf(SubjectRegistry.UnknownSchemaException.class);
  }

  private static long allocated() {
    var threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  private static byte[] record() {
    return new WireFormat.Writer(ID, Wire.PREDICTION).write(prediction());
  }

  private static GenericRecord prediction() {
    GenericRecord record = new GenericData.Record(Wire.PREDICTION);
    record.put("prediction_id", "0123456789abcdef0123456789abcdef");
    record.put("event_id", "e-17");
    record.put("entity_keys", Map.of("origin", "JFK"));
    record.put("event_time", 1_700_000_000_000L);
    record.put("scored_at", 1_700_000_000_001L);
    record.put("model", "delay_risk");
    record.put("version", 3);
    record.put(
        "role", new GenericData.EnumSymbol(Wire.PREDICTION.getField("role").schema(), "CHAMPION"));
    record.put("score", 0.25);
    record.put("inputs", Map.of("count_1h", 2.0));
    record.put("freshness", Map.of("origin_delays", "INCLUDED"));
    return record;
  }

  private static WireFormat.Reader reader() {
    return new WireFormat.Reader(new OneSchema(), Wire.PREDICTION);
  }

  private static final class OneSchema implements SubjectRegistry {
    @Override
    public int register(String subject, String schemaJson) {
      throw new UnsupportedOperationException("Cannot register a schema: nobody asks for it");
    }

    @Override
    public String schemaById(int id) throws IOException {
      if (id != ID) {
        throw new UnknownSchemaException(id);
      }
      return Wire.PREDICTION.toString();
    }
  }
}
