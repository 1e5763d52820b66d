package dev.millrace.drift.audit;

import dev.millrace.schemas.SubjectRegistry;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.iceberg.flink.TableLoader;
import org.jspecify.annotations.Nullable;

/** The part of the job's graph that audits predictions. */
public final class Audits {

  /** Where schemas come from. */
  public interface Registry extends Serializable {
    SubjectRegistry open();
  }

  /**
   * Audits predictions, all in one operator.
   *
   * @param sampled records of predictions' topics
   * @param archives the archive of each source, by its name
   */
  public static SingleOutputStreamOperator<Audited> of(
      DataStream<byte[]> sampled,
      AuditPlan plan,
      Registry registry,
      Function<String, TableLoader> archives) {
    Map<String, TableLoader> loaders = new HashMap<>();
    for (AuditedView view : plan.views()) {
      loaders.computeIfAbsent(view.source(), archives);
    }
    return sampled
        .flatMap(new CaseDecoder(plan, registry))
        .returns(AuditCase.TYPE)
        .name("rows to audit")
        .uid("rows-to-audit")
        .setParallelism(1)
        .transform("audit", Audited.TYPE, new AuditOperator(plan, loaders))
        .uid("audit")
        .setParallelism(1)
        .setMaxParallelism(1);
  }

  /** Beside a warehouse on a disk; null for any other. */
  public static @Nullable String folder(String warehouse, String project) {
    URI uri = URI.create(warehouse);
    if (uri.getScheme() != null && !uri.getScheme().equals("file")) {
      return null;
    }
    Path path = uri.getScheme() == null ? Path.of(warehouse) : Path.of(uri);
    return path.toAbsolutePath().resolveSibling("audit").resolve(project).toString();
  }

  private Audits() {}
}
