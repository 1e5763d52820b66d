package dev.millrace.pipeline;

import dev.millrace.core.definition.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.core.fs.CloseableRegistry;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.runtime.state.BackendBuildingException;
import org.apache.flink.runtime.state.DefaultOperatorStateBackendBuilder;
import org.apache.flink.runtime.state.OperatorStateBackend;
import org.apache.flink.runtime.state.OperatorStateHandle;
import org.apache.flink.state.api.OperatorIdentifier;

/**
 * What a running pipeline had read of a source when its savepoint was taken, out of the state of
 * its {@link JudgeFunction}.
 *
 * @param lastOffsets by partition, the last event; {@link Long#MAX_VALUE} where the partition has
 *     had none since the job began to note it, so that all there is of it had been read
 * @param largestMillis by partition, the largest event time; empty where nothing had been read
 */
record JudgedSource(Map<Integer, Long> lastOffsets, Map<Integer, Long> largestMillis) {

  JudgedSource {
    lastOffsets = Map.copyOf(lastOffsets);
    largestMillis = Map.copyOf(largestMillis);
  }

  /**
   * Reads it here and not by a job, because whoever is submitted to a cluster may execute one job
   * only.
   *
   * @return empty where the savepoint's job did not read the source
   * @throws IllegalStateException where the job was of a version that did not note offsets
   */
  static Optional<JudgedSource> read(CheckpointMetadata savepoint, Source source)
      throws IOException {
    var id = OperatorIdentifier.forUid(FeaturePipelineJob.judgeUid(source)).getOperatorId();
    Optional<OperatorState> judge =
        savepoint.getOperatorStates().stream().filter(s -> s.getOperatorID().equals(id)).findAny();
    if (judge.isEmpty()) {
      return Optional.empty();
    }
    List<OperatorStateHandle> handles = new ArrayList<>();
    for (OperatorSubtaskState subtask : judge.get().getStates()) {
      handles.addAll(subtask.getManagedOperatorState());
    }
    boolean noted =
        handles.stream()
            .anyMatch(
                h -> h.getStateNameToPartitionOffsets().containsKey(JudgeFunction.LAST.getName()));
    try (CloseableRegistry closed = new CloseableRegistry();
        OperatorStateBackend state = backend(handles, closed)) {
      Map<Integer, Long> largestMillis =
          JudgeFunction.byPartition(state.getUnionListState(JudgeFunction.LARGEST).get());
      Map<Integer, Long> lastOffsets = new HashMap<>();
      largestMillis.keySet().forEach(partition -> lastOffsets.put(partition, Long.MAX_VALUE));
      lastOffsets.putAll(
          JudgeFunction.byPartition(state.getUnionListState(JudgeFunction.LAST).get()));
      if (!noted && !largestMillis.isEmpty()) {
        throw new IllegalStateException(
            "Cannot warm views of source %s: the savepoint does not say which events had been read, because its job is of an older version; restart the feature pipeline with this version, and apply again"
                .formatted(source.name()));
      }
      return Optional.of(new JudgedSource(lastOffsets, largestMillis));
    } catch (IOException | IllegalStateException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(
          "Cannot read from the savepoint what had been read of source " + source.name(), e);
    }
  }

  private static OperatorStateBackend backend(
      List<OperatorStateHandle> handles, CloseableRegistry closed) throws BackendBuildingException {
    return new DefaultOperatorStateBackendBuilder(
            JudgedSource.class.getClassLoader(), new ExecutionConfig(), false, handles, closed)
        .build();
  }

  /** The watermark that the job had reached: every partition has passed it. */
  long watermarkMillis(Source source) {
    return largestMillis.values().stream().mapToLong(Long::longValue).min().orElseThrow()
        - source.maxOutOfOrderness().toMillis()
        - 1;
  }
}
