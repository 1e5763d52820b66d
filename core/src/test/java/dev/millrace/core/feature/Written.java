package dev.millrace.core.feature;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Accumulators as bytes and back. */
final class Written {

  static byte[] bytes(Accumulator accumulator) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      accumulator.write(new DataOutputStream(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static Accumulator read(byte[] bytes) {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    try {
      Accumulator read = Accumulators.read(in);
      if (in.read() >= 0) {
        throw new IllegalStateException("Cannot be equal: not every byte was read");
      }
      return read;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Accumulator again(Accumulator accumulator) {
    return read(bytes(accumulator));
  }

  private Written() {}
}
