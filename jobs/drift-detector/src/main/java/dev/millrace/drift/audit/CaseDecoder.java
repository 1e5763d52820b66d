package dev.millrace.drift.audit;

import dev.millrace.core.row.Positions;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.EOFException;
import java.io.IOException;
import java.util.List;
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
        | EOFException
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
    for (Map.Entry<?, ?> entry : rows.entrySet()) {
      AuditedView view = plan.view(entry.getKey().toString());
      SortedMap<String, @Nullable Double> served = served(prediction, model, view);
      Object key =
          view == null
              ? null
              : ((Map<?, ?>) prediction.get("entity_keys")).get(new Utf8(view.entity()));
      if (view != null && key != null && !served.isEmpty()) {
        GenericRecord row = (GenericRecord) entry.getValue();
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

  private SortedMap<String, @Nullable Double> served(
      GenericRecord prediction, String model, @Nullable AuditedView view) {
    SortedMap<String, @Nullable Double> served = new TreeMap<>();
    Map<?, ?> inputs = (Map<?, ?>) prediction.get("inputs");
    for (AuditPlan.InputOf input : plan.inputs().getOrDefault(model, List.of())) {
      if (view != null && input.view().equals(view.view())) {
        served.put(
            input.feature(), inputs.get(new Utf8(input.input())) instanceof Double d ? d : null);
      }
    }
    return served;
  }
}
