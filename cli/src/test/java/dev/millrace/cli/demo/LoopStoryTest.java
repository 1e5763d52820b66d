package dev.millrace.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

class LoopStoryTest {

  private static final long AT = Instant.parse("2024-02-01T05:00:00Z").toEpochMilli();

  private final StringWriter told = new StringWriter();
  private final LoopStory story =
      new LoopStory(new Narration(new PrintWriter(told, true)), () -> AT);

  @Test
  void everyKindOfRecordIsALineWithItsEventTimeFirst() throws Exception {
    story.performance(performance(AT));
    story.retraining(
        record(
            Wire.RETRAINING,
            Map.of(
                "request_id",
                "r",
                "episode",
                "e",
                "cause",
                "performance",
                "why",
                "seen",
                "version",
                1,
                "decided_at",
                AT,
                "window_end",
                AT)));
    story.rollout(
        record(
            Wire.ROLLOUT,
            Map.of(
                "version",
                2,
                "phase",
                "CANARY",
                "share",
                0.2,
                "decision",
                "ADVANCED",
                "why",
                "better",
                "event_time",
                AT)));
    story.alert(record(Wire.ALERT, Map.of("rule", "x", "message", "look", "event_time", AT)));
    LifecycleEntry entry =
        new LifecycleEntry(
            "m",
            LifecycleEntry.Kind.EVENT,
            "DEPLOYMENT_EFFECTIVE",
            2,
            "registry",
            "all ready",
            0,
            "k",
            null,
            null,
            "{}");
    story.lifecycle(entry, new JsonMapper().readTree("{\"effective_time\": " + AT + "}"));
    story.drift(
        drift(
            record(
                Wire.DRIFT,
                Map.of("feature", "amount", "statistic", "psi", "value", 0.5, "window_end", AT))));
    List<String> lines = told.toString().lines().map(l -> l.substring(l.indexOf("2024"))).toList();
    assertThat(lines)
        .containsExactly(
            "2024-02-01T05:00:00Z  performance  ALARM page_hinkley of version 1 is 0.2500, beyond"
                + " none",
            "2024-02-01T05:00:00Z  retraining   REQUESTED because of performance: seen; training"
                + " window ends 2024-02-01T05:00:00Z",
            "2024-02-01T05:00:00Z  rollout      version 2 CANARY 20 % ADVANCED: better",
            "2024-02-01T05:00:00Z  ALERT        x: look",
            "2024-02-01T05:00:00Z  registry     DEPLOYMENT_EFFECTIVE version 2 by registry: all"
                + " ready",
            "2024-02-01T05:00:00Z  drift        psi of amount 0.5000 above none");
  }

  @Test
  void theSameAgainWithinADayIsLeftOut() {
    story.performance(performance(AT));
    story.performance(performance(AT + 3_600_000));
    assertThat(told.toString().lines()).hasSize(1);
    story.performance(performance(AT + 24 * 3_600_000));
    assertThat(told.toString().lines()).hasSize(2);
  }

  private static GenericRecord performance(long endMillis) {
    return record(
        Wire.PERFORMANCE,
        Map.of("metric", "page_hinkley", "version", 1, "value", 0.25, "window_end", endMillis));
  }

  /** Through bytes and back, as the watch reads it: some fields of a whole record. */
  private static GenericRecord drift(GenericRecord whole) throws Exception {
    byte[] bytes = new WireFormat.Writer(1, Wire.DRIFT).write(whole);
    SubjectRegistry registry =
        new SubjectRegistry() {
          @Override
          public int register(String subject, String schema) {
            return 1;
          }

          @Override
          public String schemaById(int id) {
            return Wire.DRIFT.toString();
          }
        };
    return LoopWatch.reader(
            registry,
            Wire.DRIFT,
            "feature",
            "segment",
            "window_end",
            "statistic",
            "value",
            "threshold")
        .read(bytes);
  }

  private static GenericRecord record(Schema schema, Map<String, Object> values) {
    Map<String, Object> left = new HashMap<>(values);
    GenericRecord record = new GenericData.Record(schema);
    for (Schema.Field field : schema.getFields()) {
      Object value = left.remove(field.name());
      record.put(
          field.name(),
          value != null
              ? value
              : field.hasDefaultValue()
                  ? GenericData.get().getDefaultValue(field)
                  : nothing(field.schema()));
    }
    assertThat(left).isEmpty();
    return record;
  }

  private static Object nothing(Schema schema) {
    return switch (schema.getType()) {
      case STRING -> "";
      case BOOLEAN -> false;
      case INT -> 0;
      case LONG -> 0L;
      case DOUBLE -> 0.0;
      case MAP -> Map.of();
      case ARRAY -> List.of();
      case ENUM -> new GenericData.EnumSymbol(schema, schema.getEnumSymbols().get(0));
      default -> throw new IllegalArgumentException(schema.toString());
    };
  }
}
