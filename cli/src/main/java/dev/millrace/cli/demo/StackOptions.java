package dev.millrace.cli.demo;

import dev.millrace.cli.Checkout;
import dev.millrace.cli.GlobalOptions;
import java.nio.file.Path;

/** What has to stand in a command so that it means the stack of this demo. */
final class StackOptions {

  private final String options;

  StackOptions(GlobalOptions global) {
    Path dir = global.stackDir();
    int offset = global.portOffset();
    boolean defaultDir =
        dir.equals(Checkout.root().resolve(offset == 0 ? ".millrace" : ".millrace-" + offset));
    options = (defaultDir ? "" : " --dir " + dir) + (offset == 0 ? "" : " --port-offset " + offset);
  }

  /** A command to type. */
  String command(String words) {
    return "./millrace " + words + options;
  }
}
