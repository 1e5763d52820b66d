package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.IOException;

/** Reads accumulators back by the tag they were written with. */
public final class Accumulators {

  public static Accumulator read(DataInput in) throws IOException {
    byte tag = in.readByte();
    return switch (tag) {
      default -> throw new IOException("Cannot read an accumulator: unknown tag " + tag);
    };
  }

  private Accumulators() {}
}
