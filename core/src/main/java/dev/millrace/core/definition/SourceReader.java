package dev.millrace.core.definition;

import dev.millrace.core.expression.Expression;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Reads {@code sources}. */
final class SourceReader {

  private static final Duration OUT_OF_ORDERNESS = Duration.ofSeconds(10);
  private static final Duration AHEAD = Duration.ofHours(1);
  private static final Pattern TOPIC = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,248}");
  private static final Set<String> OWN_TOPICS =
      Set.of("millrace.definitions", "models.lifecycle", "models.deployments", "models.tracking");

  private final Scope scope;
  private final Function<Value, @Nullable String> contents;
  private final Report report;

  SourceReader(Scope scope, Function<Value, @Nullable String> contents, Report report) {
    this.scope = scope;
    this.contents = contents;
    this.report = report;
  }

  void read(Section section) {
    String name = scope.newName(section, "source");
    section.forPeople();
    BatchReader batch = BatchReader.of(section);
    String topic = topic(section, name);
    Source.Format format = section.choice(Source.Format.class, "format", Source.Format.AVRO);
    Value schemaValue = section.required("schema");
    Schema schema = schemaValue == null ? null : schema(schemaValue);
    // References are judged against the schema even where the source has no good name.
    Scope.SourceDraft draft = new Scope.SourceDraft(name == null ? "here" : name, schema, null);
    String eventId = eventId(section, draft);
    String eventTime = eventTime(section, draft);
    Duration outOfOrderness = section.duration("max-out-of-orderness", OUT_OF_ORDERNESS);
    Duration maxAhead = section.duration("max-ahead", AHEAD);
    Duration dedupWindow = section.duration("dedup-window", Duration.ZERO);
    // Rows of a batch stay where they are, and need no copy.
    boolean archive = section.truth("archive", !batch.isBatch());
    List<Source.ContractRule> contract = contract(section, schema);
    String samples = samples(section, name);
    batch.check(section, schema);
    section.close();
    if (name == null) {
      return;
    }
    Source source =
        schema == null || eventId == null || eventTime == null || !batch.isSound()
            ? null
            : new Source(
                name,
                topic == null ? name : topic,
                batch.kind(),
                format,
                schema,
                eventId,
                eventTime,
                outOfOrderness,
                maxAhead,
                dedupWindow,
                archive,
                contract,
                samples,
                batch.batch());
    scope.add(new Scope.SourceDraft(name, schema, source));
  }

  private static @Nullable String topic(Section section, @Nullable String name) {
    Value value = section.take("topic");
    if (value == null) {
      return name;
    }
    String topic =
        value.matching(TOPIC, "name of a topic", "use letters, digits, '.', '_' and '-'");
    if (topic != null && OWN_TOPICS.contains(topic)) {
      value.mistake("topic " + topic + " is Millrace's own", "name a topic of events");
    }
    return topic;
  }

  private @Nullable Schema schema(Value value) {
    String content = contents.apply(value);
    String file = value.text();
    if (content == null || file == null) {
      return null;
    }
    try {
      return Schemas.parse(ProjectFiles.confined(file), content, value, report);
    } catch (ProjectFiles.Refused e) {
      value.mistake(e.reason, e.repair);
      return null;
    }
  }

  private @Nullable String eventId(Section section, Scope.SourceDraft draft) {
    Value value = section.required("event-id");
    Schema.Field field = value == null ? null : scope.field(value, draft);
    if (value == null || field == null) {
      return null;
    }
    Schemas.Kind kind = Schemas.kind(field.schema());
    if (kind != Schemas.Kind.TEXT && kind != Schemas.Kind.WHOLE) {
      value.mistake(
          "field " + field.name() + " is " + Schemas.shown(field.schema()),
          "name a field of type string, int or long");
      return null;
    }
    return field.name();
  }

  private @Nullable String eventTime(Section section, Scope.SourceDraft draft) {
    Value value = section.required("event-time");
    Schema.Field field = value == null ? null : scope.field(value, draft);
    if (value == null || field == null) {
      return null;
    }
    if (!Schemas.isTimestampMillis(field.schema())) {
      value.mistake(
          "field "
              + field.name()
              + " is "
              + Schemas.shown(field.schema())
              + ", not timestamp-millis",
          "give it {\"type\": \"long\", \"logicalType\": \"timestamp-millis\"} in the schema");
      return null;
    }
    return field.name();
  }

  private List<Source.ContractRule> contract(Section section, @Nullable Schema schema) {
    List<Source.ContractRule> rules = new ArrayList<>();
    Names names = new Names();
    for (Section rule : section.sections("contract")) {
      Value nameValue = rule.required("name");
      String name = nameValue == null ? null : nameValue.name();
      if (nameValue != null && name != null) {
        names.claim("rule", name, "rule", nameValue);
      }
      Value check = rule.required("check");
      rule.forPeople();
      rule.close();
      String text = check == null ? null : check.text();
      if (check != null && text != null) {
        scope.expression(check, schema, Expression.Type.BOOLEAN, Map.of());
        if (name != null) {
          rules.add(new Source.ContractRule(name, text));
        }
      }
    }
    return rules;
  }

  private static @Nullable String samples(Section section, @Nullable String name) {
    Value value = section.take("sample");
    String glob = value == null ? null : value.text();
    if (value == null || glob == null) {
      return name == null ? null : "data/" + name + "*";
    }
    try {
      return ProjectFiles.confined(glob);
    } catch (ProjectFiles.Refused e) {
      value.mistake(e.reason, e.repair);
      return null;
    }
  }
}
