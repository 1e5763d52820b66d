package dev.millrace.core.plugin;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The functions of users that this process has: those on its class path, and those in the jars of
 * one folder. The jars have a class loader of their own below that of this class, so that a job
 * finds them wherever Flink loads the job from.
 */
public final class Plugins {

  /** The system property that names the folder, for the processes of a stack. */
  public static final String PROPERTY = "millrace.plugins";

  /** The environment variable that names the folder. */
  public static final String ENVIRONMENT_VARIABLE = "MILLRACE_PLUGINS";

  private static final String HOME = "millrace.home";
  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,99}");
  private static final int PROBLEMS_MOST = 100;

  private final @Nullable Path folder;
  private final Shelf<InstalledFunction> aggregations = new Shelf<>();
  private final Shelf<InstalledScalar> scalars = new Shelf<>();

  /** Of what did not get as far as a name. */
  private final List<String> problems = new ArrayList<>();

  private static final class Installed {
    static final Plugins PLUGINS = found(folder().orElse(null));
  }

  private Plugins(@Nullable Path folder) {
    this.folder = folder;
  }

  /** What is installed; looked for once, so that a new jar takes a new process. */
  public static Plugins installed() {
    return Installed.PLUGINS;
  }

  /** The folder, if one is named: by property, by the environment, or by the installation. */
  public static Optional<Path> folder() {
    String said = System.getProperty(PROPERTY);
    if (said == null) {
      said = System.getenv(ENVIRONMENT_VARIABLE);
    }
    if (said != null && !said.isBlank()) {
      return Optional.of(Path.of(said).toAbsolutePath().normalize());
    }
    String home = System.getProperty(HOME);
    return home == null
        ? Optional.empty()
        : Optional.of(Path.of(home).toAbsolutePath().normalize().resolve("plugins"));
  }

  /** Those on the class path and in a folder's jars. */
  public static Plugins found(@Nullable Path folder) {
    Plugins plugins = new Plugins(folder);
    @Nullable ClassLoader own = Plugins.class.getClassLoader();
    URL[] jars = plugins.jars();
    // It is never closed: classes may be loaded from it as long as this one lives.
    @Nullable ClassLoader loader =
        jars.length == 0 ? own : new URLClassLoader("millrace-plugins", jars, own);
    plugins.load(AggregationProvider.class, loader, plugins::add);
    plugins.load(ScalarProvider.class, loader, plugins::add);
    return plugins;
  }

  /** Those given alone. */
  public static Plugins of(Collection<AggregationProvider<?>> providers) {
    Plugins plugins = new Plugins(null);
    providers.forEach(plugins::add);
    return plugins;
  }

  /** Those given alone, for expressions. */
  public static Plugins ofScalars(Collection<ScalarProvider> providers) {
    Plugins plugins = new Plugins(null);
    providers.forEach(plugins::add);
    return plugins;
  }

  private URL[] jars() {
    if (folder == null || !Files.isDirectory(folder)) {
      return new URL[0];
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(f -> f.getFileName().toString().endsWith(".jar"))
          .sorted()
          .map(Plugins::url)
          .toArray(URL[]::new);
    } catch (IOException e) {
      problems.add("Cannot list " + folder + ": " + e);
      return new URL[0];
    }
  }

  private static URL url(Path file) {
    try {
      return file.toUri().toURL();
    } catch (MalformedURLException e) {
      throw new UncheckedIOException(e);
    }
  }

  private <P> void load(Class<P> kind, @Nullable ClassLoader loader, Consumer<P> add) {
    Iterator<P> providers = ServiceLoader.load(kind, loader).iterator();
    while (problems.size() < PROBLEMS_MOST) {
      try {
        if (!providers.hasNext()) {
          return;
        }
        add.accept(providers.next());
      } catch (ServiceConfigurationError | LinkageError e) {
        problems.add(
            e.getCause() == null ? String.valueOf(e.getMessage()) : e + ": " + e.getCause());
      }
    }
  }

  private void add(AggregationProvider<?> provider) {
    String origin = origin(provider.getClass());
    try {
      aggregations.add(
          new InstalledFunction(
              provider.name(),
              provider.version(),
              provider.columns(),
              provider.type(),
              provider.error(),
              provider.removes(),
              provider,
              origin));
    } catch (RuntimeException | LinkageError e) {
      problems.add(origin + " does not say what it is: " + e);
    }
  }

  private void add(ScalarProvider provider) {
    String origin = origin(provider.getClass());
    try {
      scalars.add(
          new InstalledScalar(
              provider.name(),
              provider.version(),
              provider.parameters(),
              provider.type(),
              provider,
              origin));
    } catch (RuntimeException | LinkageError e) {
      problems.add(origin + " does not say what it is: " + e);
    }
  }

  /** The functions of one sort, by name, and why others are not to be had. */
  private final class Shelf<F extends UserFunction> {
    private final TreeMap<String, F> functions = new TreeMap<>();
    private final Map<String, String> refused = new HashMap<>();

    void add(F function) {
      String name = function.name();
      if (!NAME.matcher(name).matches()) {
        problems.add(function.origin() + " has the name '" + name + "', which is none");
        return;
      }
      if (function.version() < 1) {
        refused.put(name, function.origin() + " has version " + function.version() + ", below 1");
        return;
      }
      F earlier = functions.putIfAbsent(name, function);
      if (earlier != null) {
        refused.merge(
            name,
            "both " + earlier.origin() + " and " + function.origin() + " provide it",
            (before, now) -> before + "; " + now);
      }
    }

    List<String> names() {
      return functions.keySet().stream().filter(n -> !refused.containsKey(n)).toList();
    }

    Optional<F> function(String name) {
      return refused.containsKey(name)
          ? Optional.empty()
          : Optional.ofNullable(functions.get(name));
    }

    Optional<String> refusal(String name) {
      return Optional.ofNullable(refused.get(name));
    }
  }

  private static String origin(Class<?> provider) {
    CodeSource source = provider.getProtectionDomain().getCodeSource();
    URL location = source == null ? null : source.getLocation();
    return provider.getName() + (location == null ? "" : " in " + location.getPath());
  }

  /** The aggregation functions that can be had, by name. */
  public List<String> names() {
    return aggregations.names();
  }

  public Optional<InstalledFunction> function(String name) {
    return aggregations.function(name);
  }

  /** Why a name that a jar provides is not to be had. */
  public Optional<String> refusal(String name) {
    return aggregations.refusal(name);
  }

  /** The functions that expressions may call, by name. */
  public List<InstalledScalar> scalars() {
    return scalars.names().stream().flatMap(n -> scalars.function(n).stream()).toList();
  }

  /** Why a function that a jar provides for expressions is not to be had. */
  public Optional<String> scalarRefusal(String name) {
    return scalars.refusal(name);
  }

  /** Of what was found and gave no function, not even a name. */
  public List<String> problems() {
    return List.copyOf(problems);
  }

  /** Where a jar goes. */
  public String place() {
    return folder == null
        ? "the folder that " + ENVIRONMENT_VARIABLE + " names"
        : folder + " (" + ENVIRONMENT_VARIABLE + " names another folder)";
  }

  /**
   * The function that a definition was read with.
   *
   * @throws PluginException if this process has not that one
   */
  public InstalledFunction function(String name, int version) {
    InstalledFunction found = function(name).orElse(null);
    if (found != null && found.version() == version) {
      return found;
    }
    String why =
        found != null
            ? found.origin() + " is version " + found.version()
            : refusal(name).orElse("no jar provides it");
    throw new PluginException(
        "Cannot find function "
            + name
            + " version "
            + version
            + ": "
            + why
            + (problems.isEmpty() ? "" : " (" + String.join("; ", problems) + ")")
            + "; put its jar into "
            + place()
            + " of every process of the cluster and start them again, or apply the project again");
  }
}
