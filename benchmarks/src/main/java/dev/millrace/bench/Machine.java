package dev.millrace.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What the figures were measured on. */
final class Machine {

  static String description() {
    return String.format(
        Locale.ROOT,
        "%d cores (%s), %d GiB, %s %s, Java %s",
        Runtime.getRuntime().availableProcessors(),
        line("/proc/cpuinfo", "model name", "unknown"),
        gibibytes(),
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        System.getProperty("java.version"));
  }

  private static long gibibytes() {
    String kibibytes = line("/proc/meminfo", "MemTotal", "0 kB").replaceAll("[^0-9]", "");
    return Math.round(Long.parseLong(kibibytes) / (1024.0 * 1024.0));
  }

  /** The value of a line {@code name : value}; not every system has such a file. */
  private static String line(String file, String name, String otherwise) {
    try {
      return Files.readAllLines(Path.of(file)).stream()
          .filter(l -> l.startsWith(name))
          .map(l -> l.substring(l.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(otherwise);
    } catch (IOException e) {
      return otherwise;
    }
  }

  private Machine() {}
}
