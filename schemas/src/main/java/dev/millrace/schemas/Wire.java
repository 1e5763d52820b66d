package dev.millrace.schemas;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.apache.avro.Schema;

/** The records of Millrace's own topics, as {@code schemas/avro} says them. */
public final class Wire {

  public static final Schema DEAD_LETTER = load("dead_letter");
  public static final Schema PREDICTION = load("prediction");
  public static final Schema DEPLOYMENT = load("deployment");
  public static final Schema LIFECYCLE = load("lifecycle");
  public static final Schema TRACKING = load("tracking");
  public static final Schema DEFINITIONS = load("definitions");
  public static final Schema DRIFT = load("drift");
  public static final Schema PERFORMANCE = load("performance");
  public static final Schema RETRAINING = load("retraining");
  public static final Schema ROLLOUT = load("rollout");
  public static final Schema ALERT = load("alert");
  public static final Schema AUDIT = load("audit");

  private static Schema load(String name) {
    try (InputStream in = Wire.class.getResourceAsStream("/avro/" + name + ".avsc")) {
      if (in == null) {
        throw new IllegalStateException(
            "Cannot load schema " + name + ": not in the jar; build the project again");
      }
      return new Schema.Parser().parse(in);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot load schema " + name, e);
    }
  }

  private Wire() {}
}
