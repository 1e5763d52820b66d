package dev.millrace.cli.local;

import dev.millrace.cli.Checkout;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntPredicate;

/** What a machine must have before a stack can live on it, each with its repair. */
final class Preflight {
  private static final long MEBIBYTE = 1024 * 1024;

  /** Fixed sizes of the processes together, and some room for the commands. */
  private static final long NEEDED_MEMORY = 6_500 * MEBIBYTE;

  private static final long NEEDED_DISK = 2_048 * MEBIBYTE;
  private static final long COMFORTABLE_DISK = 10_240 * MEBIBYTE;

  /** How bad it is. */
  enum Verdict {
    OK,
    /** Something that some command needs is missing. */
    WARNING,
    /** The stack cannot start. */
    ERROR
  }

  /**
   * @param name of what was looked at
   * @param verdict how bad it is
   * @param message what was found, and the repair if it is not right
   */
  record Finding(String name, Verdict verdict, String message) {}

  private final StackLayout layout;
  private final StackPorts ports;

  Preflight(StackLayout layout, StackPorts ports) {
    this.layout = layout;
    this.ports = ports;
  }

  /** Everything, for {@code doctor}; the ports of a stack that runs are its own. */
  List<Finding> all(boolean running) {
    List<Finding> findings = new ArrayList<>();
    findings.add(java());
    findings.add(build());
    findings.add(disk());
    findings.add(memory());
    findings.add(openMp());
    findings.add(redis());
    if (running) {
      findings.add(new Finding("ports", Verdict.OK, "in use by this stack, which runs"));
    } else {
      findings.add(leftovers());
      findings.addAll(ports(PortOwner::isFree));
    }
    return findings;
  }

  private static Finding java() {
    int feature = Runtime.version().feature();
    return new Finding(
        "java",
        feature >= 17 ? Verdict.OK : Verdict.ERROR,
        feature >= 17
            ? "Java " + Runtime.version()
            : "Java " + feature + ", 17 or later is needed; set JAVA_HOME to a JDK 17");
  }

  private static Finding build() {
    List<String> missing = new ArrayList<>();
    Path root = Checkout.root();
    for (String folder :
        List.of("cli/target", "cli/local/kafka/target", "cli/local/flink/target")) {
      if (!Files.isRegularFile(root.resolve(folder).resolve("classpath"))) {
        missing.add(folder);
      }
    }
    try {
      StackServices.registryDir(root);
    } catch (IOException e) {
      missing.add("cli/local/apicurio/target");
    }
    return missing.isEmpty()
        ? new Finding("build", Verdict.OK, "built in " + root)
        : new Finding(
            "build",
            Verdict.ERROR,
            "not built: " + String.join(", ", missing) + "; run ./mvnw -DskipTests package");
  }

  private Finding disk() {
    Path at = layout.dir();
    while (!Files.exists(at) && at.getParent() != null) {
      at = at.getParent();
    }
    try {
      return disk(Files.getFileStore(at).getUsableSpace());
    } catch (IOException e) {
      return new Finding(
          "disk",
          Verdict.ERROR,
          "cannot look at " + at + ": " + e.getMessage() + "; use another --dir");
    }
  }

  Finding disk(long freeBytes) {
    String free = mebibytes(freeBytes) + " free where " + layout.dir() + " lies";
    if (freeBytes < NEEDED_DISK) {
      return new Finding(
          "disk",
          Verdict.ERROR,
          free + ", " + mebibytes(NEEDED_DISK) + " are needed; make room or use another --dir");
    }
    return freeBytes < COMFORTABLE_DISK
        ? new Finding(
            "disk",
            Verdict.WARNING,
            free + ", which long runs fill; make room or use another --dir")
        : new Finding("disk", Verdict.OK, free);
  }

  private static Finding memory() {
    long bytes = 0;
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system) {
      bytes = system.getTotalMemorySize();
    }
    return bytes == 0 || bytes >= NEEDED_MEMORY
        ? new Finding("memory", Verdict.OK, mebibytes(bytes) + " in all")
        : new Finding(
            "memory",
            Verdict.WARNING,
            mebibytes(bytes)
                + " in all, "
                + mebibytes(NEEDED_MEMORY)
                + " are wished for; lower the sizes in flink-conf/config.yaml or use a larger machine");
  }

  private static Finding openMp() {
    if (!isLinux()) {
      return new Finding("libgomp1", Verdict.OK, "only Linux needs it");
    }
    return hasLibrary("libgomp.so.1")
        ? new Finding("libgomp1", Verdict.OK, "libgomp.so.1 is there")
        : new Finding(
            "libgomp1",
            Verdict.WARNING,
            "libgomp.so.1 is missing, without which XGBoost cannot train; install it (Debian:"
                + " apt-get install libgomp1; Fedora: dnf install libgomp)");
  }

  private static boolean hasLibrary(String name) {
    List<Path> places = new ArrayList<>();
    String own = System.getenv("LD_LIBRARY_PATH");
    if (own != null) {
      for (String place : own.split(File.pathSeparator, -1)) {
        places.add(Path.of(place));
      }
    }
    String arch = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    for (String place :
        List.of(
            "/usr/lib/" + arch + "-linux-gnu",
            "/lib/" + arch + "-linux-gnu",
            "/usr/lib64",
            "/lib64",
            "/usr/lib",
            "/lib",
            "/usr/local/lib")) {
      places.add(Path.of(place));
    }
    return places.stream().anyMatch(place -> Files.exists(place.resolve(name)));
  }

  /** Starts the bundled server only to ask its version: what it misses, the loader says. */
  private Finding redis() {
    try {
      Files.createDirectories(layout.redisDir());
      Path server = StackServices.redisServer(layout);
      Process process =
          new ProcessBuilder(server.toString(), "--version").redirectErrorStream(true).start();
      process.getOutputStream().close();
      String said =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      return process.waitFor() == 0 ? new Finding("redis", Verdict.OK, said) : redisMissing(said);
    } catch (IOException e) {
      return redisMissing(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return redisMissing("interrupted");
    }
  }

  private static Finding redisMissing(String why) {
    return new Finding(
        "redis",
        Verdict.ERROR,
        "the bundled server does not start ("
            + why
            + "): it needs glibc 2.34 or later and OpenSSL 3 (Debian: apt-get install libssl3);"
            + " or set MILLRACE_REDIS_SERVER to another redis-server");
  }

  private Finding leftovers() {
    List<Long> pids;
    try {
      pids =
          Leftovers.find(layout, StackState.read(layout)).stream()
              .map(ProcessIdentity::pid)
              .toList();
    } catch (IOException e) {
      return new Finding("leftovers", Verdict.ERROR, String.valueOf(e.getMessage()));
    }
    return pids.isEmpty()
        ? new Finding("leftovers", Verdict.OK, "no process of an earlier run")
        : new Finding(
            "leftovers",
            Verdict.WARNING,
            "processes of an earlier run live: " + pids + "; ./millrace down ends them");
  }

  /** One finding for each port that is taken, or one that all are free. */
  List<Finding> ports(IntPredicate isFree) {
    List<Finding> taken = new ArrayList<>();
    for (StackPorts.Use use : ports.all()) {
      if (!isFree.test(use.port())) {
        Optional<String> by = PortOwner.find(use.port());
        taken.add(
            new Finding(
                "port " + use.port(),
                Verdict.ERROR,
                "taken"
                    + by.map(owner -> " by " + owner).orElse(" by a process that cannot be seen")
                    + ", "
                    + use.by()
                    + " needs it; end that process or choose other ports with --port-offset N"));
      }
    }
    return taken.isEmpty()
        ? List.of(
            new Finding(
                "ports",
                Verdict.OK,
                ports.all().size() + " ports free at offset " + ports.offset()))
        : taken;
  }

  private static boolean isLinux() {
    return System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux");
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%,d MB", bytes / MEBIBYTE);
  }
}
