package dev.millrace.cli.local;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The processes of a stack that live, known from its state file or from their command lines. */
final class Leftovers {
  private Leftovers() {}

  /** Every process of the stack that lives, the supervisor included. */
  static List<ProcessIdentity> find(StackLayout layout, Optional<StackState> state) {
    Set<ProcessIdentity> found = new LinkedHashSet<>();
    state.ifPresent(
        s ->
            Stream.concat(
                    Stream.of(s.supervisor()),
                    s.services().stream().flatMap(x -> Optional.ofNullable(x.process()).stream()))
                .filter(ProcessIdentity::isAlive)
                .forEach(found::add));
    Set<Long> known = new LinkedHashSet<>(found.stream().map(ProcessIdentity::pid).toList());
    ProcessHandle.allProcesses()
        .filter(p -> !known.contains(p.pid()) && p.pid() != ProcessHandle.current().pid())
        .filter(p -> isOfStack(p, layout))
        .map(ProcessIdentity::of)
        .forEach(found::add);
    return new ArrayList<>(found);
  }

  private static boolean isOfStack(ProcessHandle process, StackLayout layout) {
    String mark = JvmCommand.STACK_MARK + layout.dir();
    String redis = layout.redisDir().resolve("redis.conf").toString();
    return process
        .info()
        .arguments()
        .map(words -> Arrays.stream(words).anyMatch(w -> w.equals(mark) || w.equals(redis)))
        .orElse(false);
  }
}
