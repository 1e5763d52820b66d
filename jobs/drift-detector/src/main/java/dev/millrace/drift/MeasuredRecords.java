package dev.millrace.drift;

import dev.millrace.core.drift.Measure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.jspecify.annotations.Nullable;

/** Statistics as records of their topics and as rows of their tables. */
final class MeasuredRecords {

  /** The record of the schema {@code dev.millrace.wire.Drift}. */
  static GenericRecord drift(Measured measured, Schema schema) {
    Measure measure = measured.measure();
    GenericRecord record = new GenericData.Record(schema);
    record.put("drift_id", measured.driftId());
    record.put("model", measured.model());
    record.put("version", measured.version());
    record.put("feature", measure.feature());
    record.put("segment", measured.segment());
    record.put("window_start", measured.windowStartMillis());
    record.put("window_end", measured.windowEndMillis());
    record.put("slot", measure.slot());
    record.put("statistic", measure.statistic().wireName());
    record.put("definition", measure.definition());
    record.put("value", measure.value());
    record.put("threshold", measure.threshold());
    record.put("drifted", measure.status() == Measure.Status.DRIFTED);
    record.put("status", measure.status().name());
    record.put("reference_count", measure.referenceCount());
    record.put("count", measured.count());
    record.put("counts", measure.counts());
    Schema contributions = schema.getField("contributions").schema();
    List<GenericRecord> parts = new ArrayList<>();
    for (Measure.Contribution contribution : measure.contributions()) {
      GenericRecord part = new GenericData.Record(contributions.getElementType());
      part.put("bin", contribution.bin());
      part.put("value", contribution.value());
      parts.add(part);
    }
    record.put("contributions", parts);
    return record;
  }

  /** The record of the schema {@code dev.millrace.wire.Performance}. */
  static GenericRecord performance(Measured measured, Schema schema) {
    Measure measure = measured.measure();
    GenericRecord record = new GenericData.Record(schema);
    record.put("performance_id", measured.performanceId());
    record.put("model", measured.model());
    record.put("version", measured.version());
    record.put("baseline", measured.baseline());
    record.put("role", measured.role());
    record.put("segment", measured.segment());
    record.put("window_start", measured.windowStartMillis());
    record.put("window_end", measured.windowEndMillis());
    record.put("slot", measure.slot());
    record.put("metric", measure.statistic().wireName());
    record.put("definition", measure.definition());
    record.put("value", measure.value());
    record.put("variance", measured.variance());
    record.put("threshold", measure.threshold());
    record.put("alarm", measure.status() == Measure.Status.ALARM);
    record.put("status", measure.status().name());
    record.put("since", measured.sinceMillis());
    record.put("estimated", false);
    record.put("count", measured.count());
    record.put("labelled", measured.labelled());
    record.put("coverage", coverage(measured));
    return record;
  }

  private static double coverage(Measured measured) {
    return measured.count() == 0 ? 0 : (double) measured.labelled() / measured.count();
  }

  /** The row of {@code drift}, columns in the order of the table's schema. */
  static final class ToDriftRow implements MapFunction<Measured, RowData> {
    private static final long serialVersionUID = 1L;

    @Override
    public RowData map(Measured measured) {
      Measure measure = measured.measure();
      Map<StringData, Long> counts = new HashMap<>();
      measure.counts().forEach((bin, count) -> counts.put(StringData.fromString(bin), count));
      RowData[] parts =
          measure.contributions().stream()
              .map(c -> GenericRowData.of(StringData.fromString(c.bin()), c.value()))
              .toArray(RowData[]::new);
      return GenericRowData.of(
          data(measured.driftId()),
          data(measured.model()),
          measured.version(),
          data(measure.feature()),
          data(measured.segment()),
          TimestampData.fromEpochMillis(measured.windowStartMillis()),
          TimestampData.fromEpochMillis(measured.windowEndMillis()),
          data(measure.slot()),
          data(measure.statistic().wireName()),
          data(measure.definition()),
          measure.value(),
          measure.threshold(),
          measure.status() == Measure.Status.DRIFTED,
          data(measure.status().name()),
          measure.referenceCount(),
          measured.count(),
          new GenericMapData(counts),
          new GenericArrayData(parts));
    }
  }

  /** The row of {@code performance}, columns in the order of the table's schema. */
  static final class ToPerformanceRow implements MapFunction<Measured, RowData> {
    private static final long serialVersionUID = 1L;

    @Override
    public RowData map(Measured measured) {
      Measure measure = measured.measure();
      Long sinceMillis = measured.sinceMillis();
      return GenericRowData.of(
          data(measured.performanceId()),
          data(measured.model()),
          measured.version(),
          measured.baseline(),
          data(measured.role()),
          data(measured.segment()),
          TimestampData.fromEpochMillis(measured.windowStartMillis()),
          TimestampData.fromEpochMillis(measured.windowEndMillis()),
          data(measure.slot()),
          data(measure.statistic().wireName()),
          data(measure.definition()),
          measure.value(),
          measured.variance(),
          measure.threshold(),
          measure.status() == Measure.Status.ALARM,
          data(measure.status().name()),
          sinceMillis == null ? null : TimestampData.fromEpochMillis(sinceMillis),
          false,
          measured.count(),
          measured.labelled(),
          coverage(measured));
    }
  }

  private static @Nullable StringData data(@Nullable String text) {
    return text == null ? null : StringData.fromString(text);
  }

  private MeasuredRecords() {}
}
