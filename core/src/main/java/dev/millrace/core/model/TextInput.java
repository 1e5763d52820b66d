package dev.millrace.core.model;

import org.jspecify.annotations.Nullable;

/** What a text has to be so that a model takes it as an input. */
public final class TextInput {

  /** What stands for a missing one where the definition names no other. */
  public static final String MISSING = "";

  /**
   * The longest, in UTF-16 code units. A batch holds its texts until it is scored, and a prediction
   * tells those that it was made from.
   */
  public static final int MAX_CHARS = 8_192;

  /**
   * Why no model takes a text; null where one may.
   *
   * <p>ONNX Runtime's Java interface hands texts on in the JVM's own form of UTF-8, which has other
   * bytes than UTF-8 for NUL and for what lies beyond U+FFFF: a model would compare with a text
   * that nobody sent.
   */
  public static @Nullable String flaw(String text) {
    if (text.length() > MAX_CHARS) {
      return "it has %d characters, at most %d are taken".formatted(text.length(), MAX_CHARS);
    }
    for (int i = 0; i < text.length(); i++) {
      char at = text.charAt(i);
      if (at == 0 || Character.isSurrogate(at)) {
        return "its character %d is U+%04X, and ONNX Runtime takes none from Java that is U+0000 or beyond U+FFFF"
            .formatted(i, text.codePointAt(i));
      }
    }
    return null;
  }

  private TextInput() {}
}
