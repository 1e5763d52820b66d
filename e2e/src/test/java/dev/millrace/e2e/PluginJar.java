package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.plugin.AggregationProvider;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** The jar of {@code examples/plugin}, made as its README says. */
final class PluginJar {

  /** Compiles all sources of an example and packs the classes with its {@code META-INF}. */
  static void make(Path example, Path classes, Path jar) throws IOException, URISyntaxException {
    Files.createDirectories(classes);
    Files.createDirectories(jar.getParent());
    Path core =
        Path.of(
            AggregationProvider.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    List<String> words =
        new ArrayList<>(
            List.of("--release", "17", "-cp", core.toString(), "-d", classes.toString()));
    files(example.resolve("src")).forEach(f -> words.add(f.toString()));
    JavaCompiler javac = Objects.requireNonNull(ToolProvider.getSystemJavaCompiler());
    assertThat(javac.run(null, null, null, words.toArray(new String[0]))).isZero();
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out)) {
      add(entries, classes, classes);
      add(entries, example, example.resolve("META-INF"));
    }
  }

  private static void add(JarOutputStream entries, Path root, Path folder) throws IOException {
    for (Path file : files(folder)) {
      entries.putNextEntry(new JarEntry(root.relativize(file).toString()));
      Files.copy(file, entries);
      entries.closeEntry();
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private PluginJar() {}
}
