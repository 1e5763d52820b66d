package dev.millrace.client;

import java.io.IOException;

/** What came is not what was promised. No file was written. */
public final class OtherBytesException extends IOException {

  private static final long serialVersionUID = 1;

  OtherBytesException(String what, String promised, String found) {
    super(
        "Cannot %s: its sha256 is %s, promised was %s; it was damaged on its way or in its store, or is being replaced: try again, or upload it anew"
            .formatted(what, found, promised));
  }
}
