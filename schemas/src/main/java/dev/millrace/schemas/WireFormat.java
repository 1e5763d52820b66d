package dev.millrace.schemas;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParseException;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DatumReader;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * Confluent's wire format: a zero byte, the schema's id as four bytes big-endian, the Avro binary.
 */
public final class WireFormat {

  public static final int HEADER_BYTES = 5;

  /** No record of any topic is larger. */
  public static final int RECORD_BYTES_MAX = 16 * 1024 * 1024;

  private static final int ITEMS_MAX = 1024 * 1024;
  private static final byte MAGIC = 0;

  static {
    // A corrupt length must not become an allocation. Avro looks once in a process, when it first
    // decodes a length; whoever decodes comes by here before.
    limit("string.maxLength", RECORD_BYTES_MAX);
    limit("bytes.maxLength", RECORD_BYTES_MAX);
    limit("collectionItems.maxLength", ITEMS_MAX);
  }

  private static void limit(String name, int most) {
    String property = "org.apache.avro.limits." + name;
    if (System.getProperty(property) == null) {
      System.setProperty(property, String.valueOf(most));
    }
  }

  /** Whether the bytes begin as a framed record does. */
  public static boolean framed(byte @Nullable [] bytes) {
    return bytes != null && bytes.length >= HEADER_BYTES && bytes[0] == MAGIC;
  }

  /** The schema id in the header; the caller has checked {@link #framed}. */
  public static int schemaId(byte[] bytes) {
    return (bytes[1] & 0xff) << 24
        | (bytes[2] & 0xff) << 16
        | (bytes[3] & 0xff) << 8
        | (bytes[4] & 0xff);
  }

  /** Writes records of one schema; not for several threads at once. */
  public static final class Writer {
    private final Framer<GenericRecord> framer;

    public Writer(int schemaId, Schema schema) {
      this.framer = new Framer<>(schemaId, new GenericDatumWriter<>(schema));
    }

    public byte[] write(GenericRecord record) {
      return framer.write(record);
    }
  }

  /**
   * Writes values by a writer that knows their schema; not for several threads at once.
   *
   * @param <T> what is written
   */
  public static final class Framer<T> {
    private final int schemaId;
    private final DatumWriter<T> datum;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    private @Nullable BinaryEncoder encoder;

    public Framer(int schemaId, DatumWriter<T> datum) {
      this.schemaId = schemaId;
      this.datum = datum;
    }

    public byte[] write(T value) {
      out.reset();
      out.write(MAGIC);
      out.write(schemaId >>> 24);
      out.write(schemaId >>> 16);
      out.write(schemaId >>> 8);
      out.write(schemaId);
      try {
        encoder = EncoderFactory.get().binaryEncoder(out, encoder);
        datum.write(value, encoder);
        encoder.flush();
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot encode a record of schema " + schemaId, e);
      }
      return out.toByteArray();
    }
  }

  /** The bytes are no record of the schema, and never will be. */
  public static final class UnreadableException extends IOException {
    private static final long serialVersionUID = 1L;

    public UnreadableException(String message) {
      super(message);
    }

    public UnreadableException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Reads framed records of a schema's versions; not for several threads at once. */
  public static final class Reader {
    private final ReaderOf<GenericRecord> records;

    public Reader(SubjectRegistry registry, Schema expected) {
      this.records =
          new ReaderOf<>(
              registry, expected.getName(), written -> new GenericDatumReader<>(written, expected));
    }

    /**
     * @throws UnreadableException where the bytes are no framed record of the schema, whoever reads
     *     them
     * @throws SubjectRegistry.UnknownSchemaException where the registry does not know theirs
     * @throws IOException where the registry cannot be reached
     */
    public GenericRecord read(byte @Nullable [] bytes) throws IOException {
      return records.read(bytes);
    }
  }

  /**
   * The same for what is not to become records of Avro's; not for several threads at once.
   *
   * @param <T> what is read
   */
  public static final class ReaderOf<T> {
    private final SubjectRegistry registry;
    private final String name;
    private final Function<Schema, DatumReader<T>> readers;
    private final Map<Integer, DatumReader<T>> byId = new HashMap<>();
    private @Nullable BinaryDecoder decoder;

    /**
     * Reads values.
     *
     * @param name of the schema, for messages
     * @param readers for the schema that a record was written with
     */
    public ReaderOf(
        SubjectRegistry registry, String name, Function<Schema, DatumReader<T>> readers) {
      this.registry = registry;
      this.name = name;
      this.readers = readers;
    }

    /** As {@link Reader#read} does. */
    public T read(byte @Nullable [] bytes) throws IOException {
      if (bytes == null || !framed(bytes)) {
        throw new UnreadableException(
            "Cannot decode a record of "
                + name
                + ": it does not begin with the magic byte and a schema id");
      }
      int id = schemaId(bytes);
      DatumReader<T> reader = byId.get(id);
      if (reader == null) {
        reader = readers.apply(parse(id, registry.schemaById(id)));
        byId.put(id, reader);
      }
      decoder =
          DecoderFactory.get()
              .binaryDecoder(bytes, HEADER_BYTES, bytes.length - HEADER_BYTES, decoder);
      try {
        return reader.read(null, decoder);
      } catch (IOException
          | AvroRuntimeException
          | IndexOutOfBoundsException
          | NegativeArraySizeException
          | UnsupportedOperationException
          | ClassCastException e) {
        // Whatever Avro's decoder throws on corrupt bytes says that they are corrupt.
        throw new UnreadableException(
            "Cannot decode a record of %s with schema id %d: %s"
                .formatted(name, id, e.getMessage()),
            e);
      }
    }

    private static Schema parse(int id, String json) throws UnreadableException {
      try {
        return new Schema.Parser().parse(json);
      } catch (SchemaParseException e) {
        throw new UnreadableException("Cannot decode: schema id " + id + " is no Avro schema", e);
      }
    }
  }

  private WireFormat() {}
}
