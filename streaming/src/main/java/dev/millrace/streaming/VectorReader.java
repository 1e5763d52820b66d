package dev.millrace.streaming;

import dev.millrace.core.row.Numbers;
import java.io.IOException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.ResolvingDecoder;
import org.jspecify.annotations.Nullable;

/**
 * Reads arrays of plain numbers as {@link Numbers}. Avro's own readers make an object of each
 * number, the fast ones too, and these cannot be told otherwise.
 */
final class VectorReader extends GenericDatumReader<GenericRecord> {

  VectorReader(Schema written, Schema read) {
    super(written, read, new GenericData().setFastReaderEnabled(false));
  }

  @Override
  protected Object readArray(@Nullable Object old, Schema expected, ResolvingDecoder in)
      throws IOException {
    Schema.Type elements = VectorFields.elements(expected);
    if (elements == null) {
      return super.readArray(old instanceof Numbers ? null : old, expected, in);
    }
    return numbers(elements, in);
  }

  /** The numbers of an array, in however many blocks it was written. */
  static Numbers numbers(Schema.Type elements, Decoder in) throws IOException {
    NumbersBuilder into = new NumbersBuilder(elements);
    for (long block = in.readArrayStart(); block > 0; block = in.arrayNext()) {
      into.expect(block);
      for (long i = 0; i < block; i++) {
        switch (elements) {
          case FLOAT -> into.add(in.readFloat());
          case DOUBLE -> into.add(in.readDouble());
          case INT -> into.add((long) in.readInt());
          default -> into.add(in.readLong());
        }
      }
    }
    return into.build();
  }
}
