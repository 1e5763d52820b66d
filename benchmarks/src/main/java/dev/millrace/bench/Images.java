package dev.millrace.bench;

import dev.millrace.schemas.WireFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.StringJoiner;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The events that Crayfish scores, 28 by 28 pixels at random, in Avro or as the JSON that Crayfish
 * sends; and a project that scores them, whose model has no features.
 */
final class Images {

  static final int PIXELS = 28 * 28;
  static final int PARTITIONS = 4;
  static final String SCHEMA =
      """
      {"type": "record", "name": "Image", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "image", "type": {"type": "array", "items": "float"}}
      ]}
      """;

  private static final String YAML =
      """
      project: %1$s
      sources:
        - {name: %1$s_images, format: %2$s, schema: image.avsc, event-id: id, event-time: at, archive: false}
      models:
        - name: %1$s_digits
          source: %1$s_images
          inputs: [{name: image, value: image}]
          execution: {provider: cpu, max-rows: 256, max-delay: 10ms}
      """;

  /** Making each anew would take longer than scoring it. */
  private static final int DIFFERENT = 512;

  private final String project;
  private final boolean json;
  private final byte[] head;

  /** An event's bytes behind its id and time. */
  private final byte[][] images = new byte[DIFFERENT][];

  /** Images in JSON; of a schema in the schema registry they would be in Avro. */
  static Images inJson(String project) {
    return new Images(project, true, new byte[0]);
  }

  static Images inAvro(String project, int schemaId) {
    return new Images(
        project,
        false,
        ByteBuffer.allocate(WireFormat.HEADER_BYTES).put((byte) 0).putInt(schemaId).array());
  }

  private Images(String project, boolean json, byte[] head) {
    this.project = project;
    this.json = json;
    this.head = head;
    SplittableRandom random = new SplittableRandom(28);
    for (int i = 0; i < DIFFERENT; i++) {
      float[] pixels = new float[PIXELS];
      for (int p = 0; p < PIXELS; p++) {
        pixels[p] = (float) random.nextDouble();
      }
      images[i] = json ? text(pixels) : avro(pixels);
    }
  }

  String project() {
    return project;
  }

  String topic() {
    return project + "_images";
  }

  String model() {
    return project + "_digits";
  }

  void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve("millrace.yaml"), YAML.formatted(project, json ? "json" : "avro"));
    Files.writeString(folder.resolve("image.avsc"), SCHEMA);
  }

  /** The n-th event. */
  ProducerRecord<byte[], byte[]> record(long number, long atMillis) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(head);
    if (json) {
      out.writeBytes(
          ("{\"id\":\"e" + number + "\",\"at\":" + atMillis + ",\"image\":")
              .getBytes(StandardCharsets.UTF_8));
    } else {
      try {
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        encoder.writeString("e" + number);
        encoder.writeLong(atMillis);
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot write to memory", e);
      }
    }
    out.writeBytes(images[Math.floorMod(Workload.mixed(number), DIFFERENT)]);
    return new ProducerRecord<>(topic(), (int) (number % PARTITIONS), null, out.toByteArray());
  }

  private static byte[] text(float[] pixels) {
    StringJoiner joined = new StringJoiner(",", "[", "]}");
    for (float pixel : pixels) {
      joined.add(Float.toString(pixel));
    }
    return joined.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] avro(float[] pixels) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
      encoder.writeArrayStart();
      encoder.setItemCount(pixels.length);
      for (float pixel : pixels) {
        encoder.writeFloat(pixel);
      }
      encoder.writeArrayEnd();
      encoder.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write to memory", e);
    }
    return out.toByteArray();
  }
}
