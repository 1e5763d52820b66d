package dev.millrace.core.plugin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginsTest {

  private static final Path EXAMPLE = Path.of("../examples/plugin");
  private static final String SERVICE = AggregationProvider.class.getName();

  private static void jar(Path file, String service, Path... roots) throws IOException {
    jar(file, Map.of(SERVICE, service), roots);
  }

  private static void jar(Path file, Map<String, String> services, Path... roots)
      throws IOException {
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, String> service : services.entrySet()) {
        jar.putNextEntry(new JarEntry("META-INF/services/" + service.getKey()));
        jar.write(service.getValue().getBytes(java.nio.charset.StandardCharsets.UTF_8));
        jar.closeEntry();
      }
      for (Path root : roots) {
        try (Stream<Path> files = Files.walk(root)) {
          for (Path found : files.filter(Files::isRegularFile).toList()) {
            jar.putNextEntry(new JarEntry(root.relativize(found).toString()));
            Files.copy(found, jar);
            jar.closeEntry();
          }
        }
      }
    }
  }

  private static Path compiled(Path into) throws IOException {
    JavaCompiler compiler =
        Objects.requireNonNull(ToolProvider.getSystemJavaCompiler(), "the tests run on a JDK");
    try (StandardJavaFileManager files =
        compiler.getStandardFileManager(
            null, Locale.ROOT, java.nio.charset.StandardCharsets.UTF_8)) {
      boolean done =
          compiler
              .getTask(
                  null,
                  files,
                  null,
                  List.of("-d", into.toString(), "-cp", System.getProperty("java.class.path")),
                  null,
                  files.getJavaFileObjects(
                      EXAMPLE.resolve("src/org/example/GeometricMean.java"),
                      EXAMPLE.resolve("src/org/example/DistanceKm.java")))
              .call();
      assertThat(done).isTrue();
    }
    return into;
  }

  @Test
  void aJarInTheFolderGivesItsFunction(@TempDir Path folder, @TempDir Path classes)
      throws IOException {
    String scalars = ScalarProvider.class.getName();
    jar(
        folder.resolve("own.jar"),
        Map.of(
            SERVICE,
            Files.readString(EXAMPLE.resolve("META-INF/services/" + SERVICE)),
            scalars,
            Files.readString(EXAMPLE.resolve("META-INF/services/" + scalars))),
        compiled(classes));

    Plugins plugins = Plugins.found(folder);

    InstalledFunction found = plugins.function("geometric_mean", 1);
    assertThat(found.origin()).contains("org.example.GeometricMean").contains("own.jar");
    assertThat(found.fault()).isNull();
    assertThat(found.takesDoubles()).isTrue();
    assertThat(geometricMean(found.provider(), 2, 8, -1)).isEqualTo(4.0);
    assertThat(plugins.names()).contains("geometric_mean", "log_sum");
    InstalledScalar distance = plugins.scalars().get(0);
    assertThat(distance.origin()).contains("org.example.DistanceKm").contains("own.jar");
    assertThat(distance.fault()).isNull();
    // Vienna to Istanbul.
    assertThat((double) distance.call(List.of(48.2082, 16.3738, 41.0082, 28.9784)))
        .isBetween(1273.0, 1277.0);
    assertThat(plugins.problems()).isEmpty();
  }

  private static <A> Object geometricMean(AggregationProvider<A> provider, double... values) {
    A aggregate = provider.create();
    for (double value : values) {
      provider.add(aggregate, value, 0);
    }
    return Objects.requireNonNull(provider.result(aggregate, 0, 1000));
  }

  @Test
  void aJarThatCannotBeLoadedTakesNoOtherAway(@TempDir Path folder) throws IOException {
    jar(folder.resolve("broken.jar"), "org.example.Nowhere\n");

    Plugins plugins = Plugins.found(folder);

    assertThat(plugins.names()).contains("spread", "mean_age");
    assertThat(plugins.problems()).singleElement().asString().contains("org.example.Nowhere");
  }

  @Test
  void withoutAFolderThereIsTheClassPath(@TempDir Path folder) {
    assertThat(Plugins.found(folder.resolve("missing")).names()).contains("spread");
    assertThat(Plugins.found(null).place()).contains("MILLRACE_PLUGINS");
  }

  @Test
  void whatIsGivenIsSound() {
    for (String name : Plugins.installed().names()) {
      assertThat(Plugins.installed().function(name).orElseThrow().fault()).as(name).isNull();
    }
    assertThat(Plugins.installed().names())
        .containsExactly("log_sum", "longest", "mean_age", "on_demand_fault", "spread");
  }

  @Test
  void oneNameIsOneFunctions() {
    Plugins plugins =
        Plugins.of(
            List.of(
                new GivenProviders.Spread(),
                new Variant("spread", 1),
                new Variant("Spread", 1),
                new Variant("nought", 0)));

    assertThat(plugins.names()).isEmpty();
    assertThat(plugins.function("spread")).isEmpty();
    assertThat(plugins.refusal("spread").orElseThrow())
        .contains("GivenProviders$Spread")
        .contains("PluginsTest$Variant");
    assertThat(plugins.refusal("nought").orElseThrow()).contains("version 0");
    assertThat(plugins.problems()).singleElement().asString().contains("'Spread'");
  }

  @Test
  void anotherVersionIsNotTakenForTheRightOne() {
    Plugins plugins = Plugins.of(List.of(new Variant("spread", 2)));

    assertThatThrownBy(() -> plugins.function("spread", 1))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("Cannot find function spread version 1")
        .hasMessageContaining("is version 2")
        .hasMessageContaining("MILLRACE_PLUGINS");
    assertThatThrownBy(() -> plugins.function("other", 1))
        .hasMessageContaining("no jar provides it");
  }

  @Test
  void aTrialFindsWhatWouldMakeWrongRows() {
    assertThat(fault(new PlainSum())).contains("another value");
    assertThat(
            fault(
                new Variant("v", 1) {
                  @Override
                  public void merge(double[] ends, double[] other) {
                    ends[0] = Math.min(ends[0], other[0]);
                  }
                }))
        .contains("merged from parts");
    assertThat(
            fault(
                new Variant("v", 1) {
                  @Override
                  public double[] read(DataInput in) throws IOException {
                    return new double[] {in.readDouble(), 0};
                  }
                }))
        .contains("reads fewer bytes than it wrote");
    assertThat(
            fault(
                new Variant("v", 1) {
                  @Override
                  public void merge(double[] ends, double[] other) {
                    super.merge(ends, other);
                    other[0] = 0;
                  }
                }))
        .contains("changes an aggregate");
    assertThat(
            fault(
                new Variant("v", 1) {
                  @Override
                  public boolean removes() {
                    return true;
                  }
                }))
        .contains("throws java.lang.UnsupportedOperationException");
    assertThat(
            fault(
                new Variant("v", 1) {
                  @Override
                  public Object result(double[] ends, long atMillis, long windowMillis) {
                    return 1L;
                  }
                }))
        .contains("needs a List, not the java.lang.Long 1");
  }

  private static String fault(AggregationProvider<?> provider) {
    InstalledFunction function =
        Plugins.of(List.<AggregationProvider<?>>of(provider)).function(provider.name(), 1);
    return String.valueOf(function.fault());
  }

  /** Another function that computes a spread. */
  private static class Variant extends GivenProviders.Given<double[]> {
    private final GivenProviders.Spread spread = new GivenProviders.Spread();
    private final String name;
    private final int version;

    Variant(String name, int version) {
      this.name = name;
      this.version = version;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public int version() {
      return version;
    }

    @Override
    public Set<ColumnKind> columns() {
      return spread.columns();
    }

    @Override
    public ResultType type() {
      return spread.type();
    }

    @Override
    public boolean removes() {
      return false;
    }

    @Override
    public double[] create() {
      return spread.create();
    }

    @Override
    public void add(double[] ends, Object value, long timeMillis) {
      spread.add(ends, value, timeMillis);
    }

    @Override
    public void merge(double[] ends, double[] other) {
      spread.merge(ends, other);
    }

    @Override
    public Object result(double[] ends, long atMillis, long windowMillis) {
      return spread.result(ends, atMillis, windowMillis);
    }

    @Override
    public void write(double[] ends, DataOutput out) throws IOException {
      spread.write(ends, out);
    }

    @Override
    public double[] read(DataInput in) throws IOException {
      return spread.read(in);
    }
  }

  /** A sum that depends on its order, as that of doubles does. */
  private static final class PlainSum extends Variant {
    PlainSum() {
      super("plain_sum", 1);
    }

    @Override
    public ResultType type() {
      return ResultType.DOUBLE;
    }

    @Override
    public double[] create() {
      return new double[2];
    }

    @Override
    public void add(double[] sum, Object value, long timeMillis) {
      sum[0] += (double) value;
    }

    @Override
    public void merge(double[] sum, double[] other) {
      sum[0] += other[0];
    }

    @Override
    public Object result(double[] sum, long atMillis, long windowMillis) {
      return sum[0];
    }
  }

  @Test
  void resultsAreWhatTheTypeSays() {
    assertThat(ResultType.DOUBLE.checked(Double.NaN)).isNull();
    assertThat(ResultType.LIST_OF_LONG.checked(new ArrayList<>(List.of(1L, 2L))))
        .isEqualTo(List.of(1L, 2L));
    assertThat(ResultType.MAP_OF_DOUBLE.checked(java.util.Map.of("b", 1.0, "a", Double.NaN)))
        .isEqualTo(java.util.Map.of("b", 1.0));
    assertThatThrownBy(() -> ResultType.MAP_OF_LONG.checked(java.util.Map.of(1, 1L)))
        .hasMessageContaining("MAP_OF_LONG")
        .hasMessageContaining("String");
  }
}
