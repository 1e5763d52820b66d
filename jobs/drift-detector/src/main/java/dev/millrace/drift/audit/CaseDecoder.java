package dev.millrace.drift.audit;

import static java.util.stream.Collectors.toSet;

import dev.millrace.core.row.Positions;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.util.Utf8;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the rows out of the predictions that are audited, one by view. Predictions that do not say
 * what rows they were served from, because an older build wrote them, are counted and passed over.
 * What a version was served that takes the inputs of an earlier revision is told by that one's
 * names.
 */
final class CaseDecoder extends RichFlatMapFunction<byte[], AuditCase> {

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(CaseDecoder.class);

  private final AuditPlan plan;
  private final Audits.Registry registry;
  private transient WireFormat.Reader reader;
  private transient Counter withoutRows;
  private transient Counter malformed;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first record.
  CaseDecoder(AuditPlan plan, Audits.Registry registry) {
    this.plan = plan;
    this.registry = registry;
  }

  @Override
  public void open(OpenContext context) {
    reader = new WireFormat.Reader(registry.open(), Wire.PREDICTION);
    withoutRows = getRuntimeContext().getMetricGroup().counter("predictionsWithoutRows");
    malformed = getRuntimeContext().getMetricGroup().counter("malformedPredictions");
  }

  @Override
  public void flatMap(byte[] value, Collector<AuditCase> out) throws IOException {
    try {
      cases(reader.read(value), out);
    } catch (SubjectRegistry.UnknownSchemaException
        | WireFormat.UnreadableException
        | AvroRuntimeException
        | IllegalArgumentException
        | IndexOutOfBoundsException e) {
      malformed.inc();
      LOG.error("Cannot audit a prediction: {}; it is passed over", e.getMessage());
    }
  }

  private void cases(GenericRecord prediction, Collector<AuditCase> out) {
    if (!(prediction.get("rows") instanceof Map<?, ?> rows)) {
      withoutRows.inc();
      return;
    }
    String model = prediction.get("model").toString();
    Map<?, ?> values = (Map<?, ?>) prediction.get("inputs");
    Map<String, String> versions = new HashMap<>();
    rows.forEach(
        (view, row) ->
            versions.put(view.toString(), ((GenericRecord) row).get("version").toString()));
    AuditPlan.Inputs inputs =
        plan.inputs(
            model, versions, values.keySet().stream().map(Object::toString).collect(toSet()));
    for (Map.Entry<?, ?> entry : rows.entrySet()) {
      AuditedView view = plan.view(entry.getKey().toString());
      if (view == null) {
        continue;
      }
      GenericRecord row = (GenericRecord) entry.getValue();
      SortedMap<String, @Nullable Double> served = served(inputs, values, view);
      boolean another = !view.version().equals(row.get("version").toString());
      Object key = ((Map<?, ?>) prediction.get("entity_keys")).get(new Utf8(view.entity()));
      if (key != null && (another || !served.isEmpty())) {
        out.collect(
            new AuditCase(
                prediction.get("prediction_id").toString(),
                model,
                view.view(),
                key.toString(),
                (Long) row.get("time"),
                Positions.parse(row.get("source").toString()),
                row.get("version").toString(),
                (Long) prediction.get("scored_at"),
                served));
      }
    }
  }

  /** The view's features as they were served; none where it is not known which input was which. */
  private static SortedMap<String, @Nullable Double> served(
      AuditPlan.@Nullable Inputs inputs, Map<?, ?> values, AuditedView view) {
    SortedMap<String, @Nullable Double> served = new TreeMap<>();
    if (inputs != null) {
      for (AuditPlan.InputOf input : inputs.ofViews()) {
        if (input.view().equals(view.view())) {
          served.put(
              input.feature(), values.get(new Utf8(input.input())) instanceof Double d ? d : null);
        }
      }
    }
    return served;
  }
}
