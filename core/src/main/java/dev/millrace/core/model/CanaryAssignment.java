package dev.millrace.core.model;

import java.nio.charset.StandardCharsets;
import org.apache.commons.codec.digest.MurmurHash3;

/**
 * Which units a canary serves.
 *
 * <p>A unit's place in [0, 1) is the first 53 bits of MurmurHash3 (x64, 128 bits, seed 0) of salt,
 * U+001F and the unit, in UTF-8. The canary serves the units whose place is below its share: so a
 * unit always gets the same answer, in every process, and a share that grows only adds units.
 */
public final class CanaryAssignment {

  private static final int SEED = 0;
  private static final double TWO_TO_53 = 0x1p53;

  private final String prefix;

  /**
   * An assignment.
   *
   * @param salt what makes this canary's units other ones than those of the canary before
   */
  public CanaryAssignment(String salt) {
    this.prefix = salt + '\u001f';
  }

  /** The assignment of a version's canary. */
  public static CanaryAssignment of(String model, int version) {
    return new CanaryAssignment(model + "/" + version);
  }

  /** A unit's place in [0, 1). */
  public double place(String unit) {
    byte[] bytes = (prefix + unit).getBytes(StandardCharsets.UTF_8);
    long first = MurmurHash3.hash128x64(bytes, 0, bytes.length, SEED)[0];
    return (first >>> 11) / TWO_TO_53;
  }

  /**
   * Whether the canary serves this unit.
   *
   * @param share from 0 to 1
   */
  public boolean serves(String unit, double share) {
    return place(unit) < share;
  }
}
