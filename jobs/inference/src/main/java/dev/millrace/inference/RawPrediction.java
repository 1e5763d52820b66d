package dev.millrace.inference;

import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Values;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.commons.codec.digest.MurmurHash3;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * A record of a topic of predictions, not decoded yet: what is there twice need not be.
 *
 * @param high with {@code low} 128 bits of MurmurHash3 of what may be there once: the event's id,
 *     and on the shadows topic the version
 */
record RawPrediction(long high, long low, byte[] value) {

  static final TypeInformation<RawPrediction> TYPE =
      new RecordType<>(RawPrediction.class, Serializer.INSTANCE);

  /** By bucket ids are remembered, see {@link FirstOfEach}. */
  static final int BUCKETS = 4096;

  static RawPrediction of(byte[] key, byte[] version, byte[] value) {
    byte[] once = new byte[key.length + 1 + version.length];
    System.arraycopy(key, 0, once, 0, key.length);
    System.arraycopy(version, 0, once, key.length + 1, version.length);
    long[] hash = MurmurHash3.hash128x64(once, 0, once.length, 0);
    return new RawPrediction(hash[0], hash[1], value);
  }

  /** The bucket of what may be there once. */
  static final class Bucket implements KeySelector<RawPrediction, Integer> {
    private static final long serialVersionUID = 1L;

    @Override
    public Integer getKey(RawPrediction raw) {
      return (int) raw.high & (BUCKETS - 1);
    }
  }

  /** Takes records as they are; one without value is passed over, it was never a prediction. */
  static final class Taking implements KafkaRecordDeserializationSchema<RawPrediction> {
    private static final long serialVersionUID = 1L;
    private static final byte[] NONE = new byte[0];

    @Override
    public void open(DeserializationSchema.InitializationContext context) {
      // Nothing is decoded here.
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<RawPrediction> out) {
      if (record.value() == null) {
        return;
      }
      Header version = record.headers().lastHeader(StampedPrediction.VERSION_HEADER);
      // A record without key is told apart by where it stands.
      byte[] key =
          record.key() == null
              ? (record.partition() + ":" + record.offset()).getBytes(StandardCharsets.US_ASCII)
              : record.key();
      out.collect(of(key, version == null ? NONE : version.value(), record.value()));
    }

    @Override
    public TypeInformation<RawPrediction> getProducedType() {
      return TYPE;
    }
  }

  /** Writes them between the source and the table. */
  static final class Serializer extends RecordSerializer<RawPrediction> {
    private static final long serialVersionUID = 1L;
    static final Serializer INSTANCE = new Serializer();

    @Override
    public RawPrediction createInstance() {
      return new RawPrediction(0, 0, new byte[0]);
    }

    @Override
    protected void write(RawPrediction raw, DataOutputView out) throws IOException {
      out.writeLong(raw.high);
      out.writeLong(raw.low);
      Values.writeBytes(raw.value, out);
    }

    @Override
    public RawPrediction deserialize(DataInputView in) throws IOException {
      return new RawPrediction(in.readLong(), in.readLong(), Values.readBytes(in));
    }

    @Override
    public TypeSerializerSnapshot<RawPrediction> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Restores the serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<RawPrediction> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
