package dev.millrace.bench;

import java.util.Locale;
import java.util.function.Consumer;

/**
 * What every group of figures gets.
 *
 * @param quick shorter and fewer repeats: to see that it works, not to cite
 * @param stack how to reach a stack of one's own
 * @param say takes a line of progress
 */
record Bench(boolean quick, Fork fork, Report report, StackCommands stack, Consumer<String> say) {

  int repeats() {
    return quick ? 2 : 3;
  }

  double seconds() {
    return quick ? 1.5 : 4;
  }

  OperatorTask.Result run(
      String name, OperatorTask.Side side, ViewSpec spec, Workload workload, String backend)
      throws Exception {
    return run(name, side, spec, workload, backend, false);
  }

  OperatorTask.Result run(
      String name,
      OperatorTask.Side side,
      ViewSpec spec,
      Workload workload,
      String backend,
      boolean state)
      throws Exception {
    OperatorTask.Result result =
        fork.run(new OperatorTask(side, spec, workload, backend, seconds(), repeats(), state));
    Samples paces = new Samples(result.eventsPerSecond());
    say.accept(
        String.format(
            Locale.ROOT,
            "  %-8s %-8s %-20s %,10.0f events/s (%,.0f to %,.0f), %.1f us of a core each;"
                + " windows %.0f %% full after %.1f s",
            side,
            backend,
            name,
            paces.median(),
            paces.least(),
            paces.largest(),
            new Samples(result.cpuMicros()).median(),
            100 * result.filled(),
            result.fillSeconds()));
    return result;
  }
}
