package dev.millrace.cli.local;

import dev.millrace.core.plugin.Plugins;
import java.io.IOException;
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

  /**
   * @param classPath written beside the stack's other configuration
   */
  JvmCommand(StackLayout layout, ClassPath classPath, String main) throws IOException {
    this.classPath =
        classPath.argument(
            layout.conf().resolve(main.substring(main.lastIndexOf('.') + 1) + ".classpath"));
    this.main = main;
    options.add(STACK_MARK + layout.dir());
    // An out-of-memory JVM limps; a dead one is started again.
    options.add("-XX:+ExitOnOutOfMemoryError");
    options.add("-XX:-UsePerfData");
    options.add("-Djava.awt.headless=true");
    // Definitions mean the same in every process only with the same functions of users.
    Plugins.folder().ifPresent(folder -> options.add("-D" + Plugins.PROPERTY + "=" + folder));
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
    words.add(classPath);
    words.add(main);
    words.addAll(arguments);
    return words;
  }

  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }
}
