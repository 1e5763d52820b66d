package dev.millrace.inference;

import ch.randelshofer.fastdoubleparser.JavaDoubleParser;
import java.util.Arrays;

/**
 * Reads numbers of rows as the online store has them, as text. A row has many of them, and the
 * JDK's own reading of a text takes several times as long as this one.
 */
final class StoredNumber {

  private static final byte[] TRUE = {'t', 'r', 'u', 'e'};
  private static final byte[] FALSE = {'f', 'a', 'l', 's', 'e'};

  /**
   * The value of a text: true is 1, false 0, all else what {@link Double#parseDouble} says, to the
   * bit.
   *
   * @throws NumberFormatException where it is no number
   */
  static double of(byte[] text) {
    if (Arrays.equals(text, TRUE)) {
      return 1;
    }
    return Arrays.equals(text, FALSE) ? 0 : JavaDoubleParser.parseDouble(text);
  }

  private StoredNumber() {}
}
