package dev.millrace.inference;

import java.util.Collection;
import java.util.TreeSet;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.api.common.functions.RuntimeContext;

/** Which GPU a task computes on. */
final class TaskGpu {

  /** What Flink's configuration calls GPUs, {@code external-resources: gpu}. */
  private static final String RESOURCE = "gpu";

  /** What Flink's driver for GPUs calls the number of one. */
  private static final String NUMBER = "index";

  /** The task's among those that its TaskManager has, dealt out in turn; 0 where it names none. */
  static int of(RuntimeContext context) {
    return of(
        context.getExternalResourceInfos(RESOURCE), context.getTaskInfo().getIndexOfThisSubtask());
  }

  static int of(Collection<ExternalResourceInfo> gpus, int subtask) {
    TreeSet<Integer> numbers = new TreeSet<>();
    for (ExternalResourceInfo gpu : gpus) {
      gpu.getProperty(NUMBER).ifPresent(number -> numbers.add(Integer.parseInt(number.trim())));
    }
    return numbers.isEmpty()
        ? 0
        : numbers.stream().skip(subtask % numbers.size()).findFirst().orElse(0);
  }

  private TaskGpu() {}
}
