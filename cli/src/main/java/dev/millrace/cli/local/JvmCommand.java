package dev.millrace.cli.local;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line of one of the stack's JVMs. */
final class JvmCommand {
  /** Marks every JVM of a stack, so that leftovers can be found without a state file. */
  static final String STACK_MARK = "-Dmillrace.stack=";

  private final List<String> options = new ArrayList<>();
  private final String classPath;
  private final String main;

  JvmCommand(Path stackDir, String classPath, String main) {
    this.classPath = classPath;
    this.main = main;
    options.add(STACK_MARK + stackDir);
    // An out-of-memory JVM limps; a dead one is started again.
    options.add("-XX:+ExitOnOutOfMemoryError");
    options.add("-XX:-UsePerfData");
    options.add("-Djava.awt.headless=true");
  }

  JvmCommand options(String... more) {
    options.addAll(List.of(more));
    return this;
  }

  JvmCommand options(List<String> more) {
    options.addAll(more);
    return this;
  }

  /** Where the process logs to, and how. */
  JvmCommand logging(Path log, Path configuration) {
    return options(
        "-Dlog.file=" + log, "-Dlog4j2.configurationFile=" + configuration.toUri().toASCIIString());
  }

  List<String> with(String... arguments) {
    return with(List.of(arguments));
  }

  List<String> with(List<String> arguments) {
    List<String> words = new ArrayList<>();
    words.add(java());
    words.addAll(options);
    words.add("-cp");
    words.add(classPath);
    words.add(main);
    words.addAll(arguments);
    return words;
  }

  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /** A class path of all jars in a folder. */
  static String allJarsIn(Path folder) {
    return folder + File.separator + "*";
  }
}
