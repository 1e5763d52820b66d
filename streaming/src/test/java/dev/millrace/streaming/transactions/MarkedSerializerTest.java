package dev.millrace.streaming.transactions;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.junit.jupiter.api.Test;

/** What is in checkpoints, of this build and of those before there were marks. */
class MarkedSerializerTest {

  private final MarkedSerializer<String> serializer = new MarkedSerializer<>(new Words(3));

  @Test
  void theMarkComesBack() throws Exception {
    Marked<String> marked = new Marked<>("word", new Mark("p.features-ş", 7, 1L << 40, -1));
    assertThat(back(marked)).isEqualTo(new Marked<>("word of 3", marked.mark()));
  }

  @Test
  void soDoesNone() throws Exception {
    assertThat(back(new Marked<>("", null))).isEqualTo(new Marked<>(" of 3", null));
  }

  @Test
  void theConnectorsOwnFormIsReadByItsVersion() throws Exception {
    byte[] plain = "word".getBytes(StandardCharsets.UTF_8);
    assertThat(serializer.deserialize(1, plain)).isEqualTo(new Marked<>("word of 1", null));
  }

  @Test
  void theConnectorsVersionIsKeptWithItsForm() throws Exception {
    byte[] written = serializer.serialize(new Marked<>("word", null));
    assertThat(new MarkedSerializer<>(new Words(4)).deserialize(MarkedSerializer.VERSION, written))
        .isEqualTo(new Marked<>("word of 3", null));
  }

  private Marked<String> back(Marked<String> marked) throws Exception {
    return serializer.deserialize(serializer.getVersion(), serializer.serialize(marked));
  }

  /** Says of each word which version it was read as. */
  private record Words(int version) implements SimpleVersionedSerializer<String> {
    @Override
    public int getVersion() {
      return version;
    }

    @Override
    public byte[] serialize(String word) {
      return word.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String deserialize(int writtenAs, byte[] serialized) {
      return new String(serialized, StandardCharsets.UTF_8) + " of " + writtenAs;
    }
  }
}
