package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.IOException;

/** Reads accumulators back by the tag they were written with. */
public final class Accumulators {

  public static Accumulator read(DataInput in) throws IOException {
    byte tag = in.readByte();
    return switch (tag) {
      case EventCount.TAG -> EventCount.read(in);
      case Moments.TAG -> Moments.read(in);
      case ValueBand.TAG -> ValueBand.read(in);
      case TimeBand.TAG -> TimeBand.read(in);
      case Bins.TAG -> Bins.read(in);
      case ValueCounts.TAG -> ValueCounts.read(in);
      case LastDistinct.TAG -> LastDistinct.read(in);
      case HllCount.TAG -> HllCount.read(in);
      case KllQuantiles.TAG -> KllQuantiles.read(in);
      case FrequentItems.TAG -> FrequentItems.read(in);
      case DecayedSum.TAG -> DecayedSum.read(in);
      case Grouped.TAG -> Grouped.read(in);
      case PluginAggregate.TAG -> PluginAggregate.read(in);
      default -> throw new IOException("Cannot read an accumulator: unknown tag " + tag);
    };
  }

  private Accumulators() {}
}
