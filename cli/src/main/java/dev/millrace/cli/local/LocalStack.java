package dev.millrace.cli.local;

import dev.millrace.cli.Checkout;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.local.Preflight.Finding;
import dev.millrace.cli.local.Preflight.Verdict;
import dev.millrace.cli.local.StackState.ServiceState;
import dev.millrace.platform.Target;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One local stack, to start, stop and look at. */
public final class LocalStack {
  private static final Duration PATIENCE_TO_READY = Duration.ofMinutes(2);
  private static final Duration PATIENCE_TO_STOP = Duration.ofSeconds(45);
  private static final Duration PATIENCE_WITH_LEFTOVERS = Duration.ofSeconds(10);
  private static final long POLL_MILLIS = 100;

  private final StackLayout layout;
  private final int portOffset;

  public LocalStack(Path dir, int portOffset) {
    this.layout = new StackLayout(dir);
    this.portOffset = portOffset;
  }

  StackLayout layout() {
    return layout;
  }

  Optional<StackState> state() throws IOException {
    return StackState.read(layout);
  }

  /** Whether every process of the stack works. */
  public boolean isReady() throws IOException {
    return state().map(s -> s.supervisor().isAlive() && s.isReady()).orElse(false);
  }

  /**
   * Starts the stack and waits until all of it works; if it runs already, only says so.
   *
   * @param say takes what a person should see meanwhile, one line at a time
   */
  public Target up(Consumer<String> say) throws IOException, InterruptedException {
    Optional<StackState> state = state();
    boolean running = state.map(s -> s.supervisor().isAlive()).orElse(false);
    StackPorts ports = new StackPorts(portOffset);
    if (running) {
      int offset = state.orElseThrow().portOffset();
      if (offset != portOffset) {
        throw new UserMistake(
            "Cannot start the stack in "
                + layout.dir()
                + " with port offset "
                + portOffset
                + ": it runs with offset "
                + offset
                + "; stop it with ./millrace down, or choose another --dir");
      }
      say.accept("The stack in " + layout.dir() + " is already running.");
    } else {
      endLeftovers(state, say);
      check(ports, say);
      start(say);
    }
    awaitReady(say, running);
    return layout.target(ports);
  }

  private void endLeftovers(Optional<StackState> state, Consumer<String> say)
      throws InterruptedException {
    List<ProcessIdentity> leftovers = Leftovers.find(layout, state);
    if (!leftovers.isEmpty()) {
      say.accept(
          "Ending what an earlier run left behind: "
              + leftovers.stream().map(p -> "pid " + p.pid()).collect(Collectors.joining(", ")));
      end(leftovers);
    }
  }

  private static void end(List<ProcessIdentity> processes) throws InterruptedException {
    for (ProcessIdentity process : processes) {
      process.find().ifPresent(ProcessHandle::destroy);
    }
    for (ProcessIdentity process : processes) {
      process.stop(PATIENCE_WITH_LEFTOVERS);
    }
  }

  private void check(StackPorts ports, Consumer<String> say) {
    List<Finding> findings = new Preflight(layout, ports).all(false);
    for (Finding finding : findings) {
      if (finding.verdict() == Verdict.WARNING) {
        say.accept("Warning: " + finding.name() + ": " + finding.message());
      }
    }
    List<Finding> errors =
        findings.stream().filter(finding -> finding.verdict() == Verdict.ERROR).toList();
    if (!errors.isEmpty()) {
      throw new CommandFailed(
          errors.stream()
              .map(e -> "Cannot start the stack: " + e.name() + ": " + e.message())
              .collect(Collectors.joining("\n")));
    }
  }

  private void start(Consumer<String> say) throws IOException, InterruptedException {
    layout.createFolders();
    Files.deleteIfExists(layout.stateFile());
    StackServices.writeLogging(layout);
    say.accept("Starting the stack in " + layout.dir());
    List<String> java =
        new JvmCommand(layout, supervisorClassPath(), Supervisor.class.getName())
            .options("-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
            .options("-Dmillrace.home=" + Checkout.root())
            .logging(layout.log("supervisor"), StackServices.logging(layout))
            .with(layout.dir().toString(), Integer.toString(portOffset));
    // It outlives the terminal: in a session of its own where there is setsid, and deaf to the
    // signals a closing terminal sends.
    List<String> words =
        new ArrayList<>(
            List.of(
                "/bin/sh",
                "-c",
                "trap '' HUP INT; if command -v setsid >/dev/null 2>&1;"
                    + " then setsid \"$@\" & else \"$@\" & fi",
                "sh"));
    words.addAll(java);
    ProcessBuilder builder =
        new ProcessBuilder(words)
            .directory(layout.dir().toFile())
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
            .redirectOutput(ProcessBuilder.Redirect.appendTo(layout.output("supervisor").toFile()));
    Process process = builder.start();
    process.waitFor();
  }

  /**
   * What the supervisor runs from: our own jars as a copy, because a build under a running JVM
   * would take them away, and the others where they are.
   */
  private ClassPath supervisorClassPath() throws IOException {
    StackServices.deleteTree(layout.supervisorLib());
    Files.createDirectories(layout.supervisorLib());
    List<Path> classPath = new ArrayList<>();
    Path target = Checkout.root().resolve("cli/target");
    List<Path> jars = new ArrayList<>(List.of(target.resolve("millrace-cli.jar")));
    jars.addAll(ClassPath.ofTarget(target).jars());
    for (Path jar : jars) {
      String name = jar.getFileName().toString();
      if (name.startsWith("millrace-")) {
        Path copy = layout.supervisorLib().resolve(name);
        Files.copy(jar, copy, StandardCopyOption.REPLACE_EXISTING);
        classPath.add(copy);
      } else if (SUPERVISOR_LIBRARIES.stream().anyMatch(name::startsWith)) {
        classPath.add(jar);
      }
    }
    return new ClassPath(classPath);
  }

  private static final List<String> SUPERVISOR_LIBRARIES =
      List.of(
          "jackson-",
          "kafka-clients-",
          "slf4j-api-",
          "log4j-",
          "embedded-redis-",
          "snakeyaml-engine-",
          "jspecify-",
          "picocli-");

  private void awaitReady(Consumer<String> say, boolean running)
      throws IOException, InterruptedException {
    long startedNanos = System.nanoTime();
    Set<String> said = new HashSet<>();
    while (true) {
      Optional<StackState> state = state();
      long waitedNanos = System.nanoTime() - startedNanos;
      if (state.isPresent()) {
        for (ServiceState service : state.get().services()) {
          if (service.isUp() && said.add(service.name()) && !running) {
            say.accept(
                String.format(
                    Locale.ROOT,
                    "  %-18s ready after %4.1f s   %s",
                    service.name(),
                    TimeUnit.NANOSECONDS.toMillis(waitedNanos) / 1000.0,
                    service.address()));
          }
        }
        if (state.get().isReady()) {
          return;
        }
      }
      if (waitedNanos > Duration.ofSeconds(10).toNanos()
          && !state.map(s -> s.supervisor().isAlive()).orElse(false)) {
        throw new CommandFailed(
            "Cannot start the stack: its supervisor has ended; see "
                + layout.log("supervisor")
                + " and "
                + layout.output("supervisor"));
      }
      if (waitedNanos > PATIENCE_TO_READY.toNanos()) {
        throw new CommandFailed(
            "Cannot start the stack: after "
                + PATIENCE_TO_READY.toSeconds()
                + " s these do not answer: "
                + state.stream()
                    .flatMap(s -> s.services().stream())
                    .filter(s -> !s.isUp())
                    .map(s -> s.name() + " (" + s.log() + ")")
                    .collect(Collectors.joining(", "))
                + "; look into their logs, then ./millrace down and up");
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
  }

  /**
   * Ends every process of the stack; gives how many there were.
   *
   * @throws CommandFailed if one is left
   */
  public int down() throws IOException, InterruptedException {
    Optional<StackState> state = state();
    int before = Leftovers.find(layout, state).size();
    if (state.isPresent()) {
      // It ends its processes in order; who comes after it, ends what it could not.
      state.get().supervisor().stop(PATIENCE_TO_STOP);
    }
    end(Leftovers.find(layout, state()));
    List<ProcessIdentity> left = Leftovers.find(layout, state());
    if (!left.isEmpty()) {
      throw new CommandFailed(
          "Cannot stop the stack in "
              + layout.dir()
              + ": these processes do not end: "
              + left.stream().map(p -> Long.toString(p.pid())).collect(Collectors.joining(", "))
              + "; end them with kill -9");
    }
    Files.deleteIfExists(layout.targetFile());
    Files.deleteIfExists(layout.stateFile());
    return before;
  }

  /** Deletes all that the stack has written; it must be down. */
  public void wipe() throws IOException {
    for (Path path : layout.everything()) {
      StackServices.deleteTree(path);
    }
    if (Files.isDirectory(layout.dir())) {
      boolean empty;
      try (Stream<Path> left = Files.list(layout.dir())) {
        empty = left.findAny().isEmpty();
      }
      // What somebody else put there stays.
      if (empty) {
        Files.delete(layout.dir());
      }
    }
  }
}
