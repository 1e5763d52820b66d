package dev.millrace.core.definition;

import dev.millrace.core.expression.Nearest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * One value of a project's file, with the place where it stands. A reading that does not fit is
 * reported and gives null, so that the rest can be read.
 */
final class Value {

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,99}");

  private final Report report;
  private final String file;
  private final String path;
  private final Node node;
  private final int line;

  Value(Report report, String file, String path, Node node) {
    this(report, file, path, node, node.getStartMark().map(m -> m.getLine() + 1).orElse(0));
  }

  private Value(Report report, String file, String path, Node node, int line) {
    this.report = report;
    this.file = file;
    this.path = path;
    this.node = node;
    this.line = line;
  }

  String file() {
    return file;
  }

  String path() {
    return path;
  }

  int line() {
    return line;
  }

  void mistake(String reason, String repair) {
    report.mistake(file, line, path, reason, repair);
  }

  void unbuilt(String what) {
    report.unbuilt(file, line, path, what + " is not built yet");
  }

  boolean isMapping() {
    return node instanceof MappingNode;
  }

  boolean isList() {
    return node instanceof SequenceNode;
  }

  /** Whether its text came from elsewhere and is to be shown to no one. */
  boolean redacted() {
    return node instanceof ScalarNode scalar && Substitution.applies(scalar.getValue());
  }

  /** Text that is its own, in messages; a reference instead of what it leads to. */
  String plain(String text) {
    return redacted() ? ((ScalarNode) node).getValue() : text;
  }

  private String shown(String text) {
    if (redacted()) {
      return "the value of " + plain(text);
    }
    return "'" + (text.length() > 80 ? text.substring(0, 80) + "..." : text) + "'";
  }

  @Nullable String text() {
    if (!(node instanceof ScalarNode scalar)) {
      mistake("a single value is needed, not a " + kind(), "write one value");
      return null;
    }
    if (scalar.getTag().equals(Tag.NULL)) {
      mistake("has no value", "give it one or remove the key");
      return null;
    }
    if (!redacted()) {
      return scalar.getValue();
    }
    try {
      return Substitution.resolve(scalar.getValue(), System.getenv());
    } catch (ProjectFiles.Refused e) {
      mistake(e.reason, e.repair);
      return null;
    }
  }

  private String kind() {
    return node instanceof MappingNode ? "mapping" : "list";
  }

  @Nullable String matching(Pattern pattern, String what, String repair) {
    String text = text();
    if (text == null || pattern.matcher(text).matches()) {
      return text;
    }
    mistake(shown(text) + " is no " + what, repair);
    return null;
  }

  @Nullable String name() {
    return matching(
        NAME, "name", "use lower-case letters, digits and _, starting with a letter, at most 100");
  }

  @Nullable Duration duration() {
    String text = text();
    if (text == null) {
      return null;
    }
    Duration duration = Durations.parse(text);
    if (duration == null) {
      mistake(shown(text) + " is no duration", "write one such as 50ms, 10s, 15m, 1h or 7d");
    }
    return duration;
  }

  @Nullable Duration positiveDuration() {
    Duration duration = duration();
    if (duration != null && duration.isZero()) {
      mistake("must be longer than 0", "write a duration such as 1h");
      return null;
    }
    return duration;
  }

  @Nullable Boolean truth() {
    String text = text();
    if (text == null) {
      return null;
    }
    if (text.equals("true") || text.equals("false")) {
      return text.equals("true");
    }
    mistake(shown(text) + " is neither true nor false", "write true or false");
    return null;
  }

  @Nullable Double number() {
    String text = text();
    if (text == null) {
      return null;
    }
    // Java alone would take 1d, 0x1p3 and NaN too.
    if (text.matches("[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?")) {
      double number = Double.parseDouble(text);
      if (Double.isFinite(number)) {
        return number;
      }
    }
    mistake(shown(text) + " is no number", "write one such as 5 or 0.25");
    return null;
  }

  @Nullable Double number(double least, double most) {
    Double number = number();
    if (number != null && (number < least || number > most)) {
      mistake(
          shown(String.valueOf(text())) + " is not between " + plain(least) + " and " + plain(most),
          "write a number in that range");
      return null;
    }
    return number;
  }

  private static String plain(double number) {
    return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number);
  }

  @Nullable Long whole(long least, long most) {
    String text = text();
    if (text == null) {
      return null;
    }
    if (text.matches("[-+]?[0-9]{1,18}")) {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return number;
      }
    }
    mistake(
        shown(text) + " is no whole number between " + least + " and " + most,
        "write a whole number in that range");
    return null;
  }

  /** One of an enum's constants, written in lower case with {@code -} for {@code _}. */
  <E extends Enum<E>> @Nullable E choice(Class<E> type) {
    List<String> names = Arrays.stream(type.getEnumConstants()).map(Value::written).toList();
    String text = choice(names);
    return text == null ? null : type.getEnumConstants()[names.indexOf(text)];
  }

  private static String written(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @Nullable String choice(List<String> names) {
    String text = text();
    if (text == null || names.contains(text)) {
      return text;
    }
    mistake(shown(text) + " is not known", suggestion(text, names, "write one of "));
    return null;
  }

  static String suggestion(String text, List<String> known, String otherwise) {
    Optional<String> nearest = Nearest.to(text, known);
    if (nearest.isPresent()) {
      return "did you mean " + nearest.get() + "?";
    }
    return known.isEmpty() ? "define it first" : otherwise + String.join(", ", known);
  }

  /** The elements; a single value stands for a list of one. */
  List<Value> list() {
    if (node instanceof MappingNode) {
      mistake("a list is needed, not a mapping", "start each element with - ");
      return List.of();
    }
    if (!(node instanceof SequenceNode sequence)) {
      return text() == null ? List.of() : List.of(this);
    }
    List<Value> values = new ArrayList<>();
    for (Node element : sequence.getValue()) {
      values.add(new Value(report, file, path + "[" + values.size() + "]", element));
    }
    return values;
  }

  /** As a list whose elements are all mappings. */
  List<Section> sections() {
    if (!(node instanceof SequenceNode)) {
      mistake("a list is needed", "start each element with - ");
      return List.of();
    }
    List<Section> sections = new ArrayList<>();
    for (Value value : list()) {
      Section section = value.section();
      if (section != null) {
        sections.add(section);
      }
    }
    return sections;
  }

  @Nullable Section section() {
    Map<String, Value> entries = entries();
    return entries == null ? null : new Section(this, entries);
  }

  /** The keys and values of a mapping. */
  @Nullable Map<String, Value> entries() {
    if (!(node instanceof MappingNode mapping)) {
      mistake("a mapping is needed", "write its keys as key: value");
      return null;
    }
    Map<String, Value> entries = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      Node keyNode = tuple.getKeyNode();
      int keyLine = keyNode.getStartMark().map(m -> m.getLine() + 1).orElse(line);
      if (!(keyNode instanceof ScalarNode scalar)) {
        report.mistake(file, keyLine, path, "a key is no single value", "write a plain key");
        continue;
      }
      String key = scalar.getValue();
      String keyPath = path.isEmpty() ? key : path + "." + key;
      // A list or mapping starts one line below its key: the key is what the user looks for.
      Value value = new Value(report, file, keyPath, tuple.getValueNode(), keyLine);
      Value earlier = entries.putIfAbsent(key, value);
      if (earlier != null) {
        value.mistake(
            "the key stands here a second time", "keep one (first: line " + earlier.line + ")");
      }
    }
    return entries;
  }

  private static final Pattern RATE = Pattern.compile("([0-9]+) per ([0-9]+[a-z]+)");

  /** {@code N per DURATION}. */
  @Nullable String rate() {
    String text = text();
    if (text == null) {
      return null;
    }
    Matcher matcher = RATE.matcher(text);
    Duration duration = matcher.matches() ? Durations.parse(matcher.group(2)) : null;
    if (duration == null || duration.isZero()) {
      mistake(shown(text) + " is no rate", "write one such as \"1 per 30d\"");
      return null;
    }
    return text;
  }
}
