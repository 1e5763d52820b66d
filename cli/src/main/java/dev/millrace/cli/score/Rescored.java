package dev.millrace.cli.score;

import dev.millrace.core.definition.Model;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.model.MissingInputs;
import dev.millrace.core.model.TextInput;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.explain.Background;
import dev.millrace.scoring.explain.Contributions;
import dev.millrace.scoring.explain.Explanation;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Inputs as they were served, scored again with a version.
 *
 * @param inputs the version's signature
 * @param against what the contributions are measured against, for people
 * @param notes what is not as it would be, for people
 */
record Rescored(
    int version,
    String sha256,
    double score,
    List<String> inputs,
    Contributions contributions,
    String against,
    List<String> notes) {

  private static final int BACKGROUND_ROWS = 100;
  private static final long SEED = 7;

  /**
   * Scores again.
   *
   * @param scoring the model as the version scored with it
   * @param signature of the version; null where its registration does not say
   * @param served by input name; null where one was missing
   * @throws IOException where the version cannot be loaded or takes inputs that were not served
   */
  static Rescored of(
      ScoringModel scoring,
      RegisteredVersion version,
      @Nullable List<String> signature,
      Map<String, @Nullable Object> served)
      throws IOException {
    Model model = scoring.model();
    List<String> inputs =
        signature == null
            ? model.inputs().stream().map(Model.Input::name).toList()
            : List.copyOf(signature);
    List<String> unknown = inputs.stream().filter(name -> !served.containsKey(name)).toList();
    if (!unknown.isEmpty()) {
      throw new IOException(
          "Cannot score with model %s version %d: it takes %s, which this prediction was served without; score the event in batch: ./millrace score %s --version %d"
              .formatted(
                  model.name(), version.version(), unknown, model.name(), version.version()));
    }
    double[] row = new double[inputs.size()];
    List<InputColumn> columns = new ArrayList<>();
    List<List<String>> texts = new ArrayList<>();
    for (int i = 0; i < row.length; i++) {
      String name = inputs.get(i);
      Object value = served.get(name);
      if (value instanceof String || isText(model, name)) {
        columns.add(InputColumn.text(name));
        // A row of zeros has an empty one.
        texts.add(
            List.of(
                TextInput.MISSING,
                value == null ? MissingInputs.text(model, name) : value.toString()));
        row[i] = 1;
      } else {
        columns.add(new InputColumn(name, 1));
        texts.add(List.of());
        row[i] = value instanceof Double number ? number : MissingInputs.number(model, name);
      }
    }
    try (Explanation explanation =
        Explanation.open(Path.of(URI.create(version.uri())), version.sha256(), columns, texts)) {
      List<String> notes =
          new ArrayList<>(served.containsValue(null) ? scoring.notes() : List.of());
      String flaw = explanation.flaw();
      if (flaw != null) {
        notes.add("the inside of the model cannot be read, so it is tried out: " + flaw);
      }
      ReferenceProfile profile = profile(version);
      double[][] background = background(model, profile, inputs, notes);
      return new Rescored(
          version.version(),
          version.sha256(),
          explanation.score(row),
          inputs,
          explanation.contributions(row, background, SEED),
          background.length == 1
              ? "a row of zeros%s, because the version has no reference profile%s"
                  .formatted(
                      texts.stream().allMatch(List::isEmpty) ? "" : " and empty texts",
                      profile == null ? "" : " of all inputs")
              : "%d rows drawn from the version's reference profile, each input for itself"
                  .formatted(background.length),
          List.copyOf(notes));
    }
  }

  private static boolean isText(Model model, String input) {
    return model.inputs().stream().anyMatch(one -> one.name().equals(input) && one.isText());
  }

  private static @Nullable ReferenceProfile profile(RegisteredVersion version) throws IOException {
    String uri = version.profileUri();
    if (uri == null) {
      return null;
    }
    byte[] bytes = Files.readAllBytes(Path.of(URI.create(uri)));
    String sha256 = ReferenceProfile.sha256(bytes);
    if (!sha256.equals(version.profileSha256())) {
      throw new IOException(
          "Cannot explain version %d: the sha256 of its reference profile %s is %s, registered was %s; restore the file"
              .formatted(version.version(), uri, sha256, version.profileSha256()));
    }
    return ReferenceProfile.parse(bytes);
  }

  private static double[][] background(
      Model model, @Nullable ReferenceProfile profile, List<String> inputs, List<String> notes) {
    if (profile == null) {
      return new double[1][inputs.size()];
    }
    double[][] rows;
    try {
      rows = Background.of(profile, inputs, BACKGROUND_ROWS, SEED);
    } catch (IllegalArgumentException e) {
      notes.add(String.valueOf(e.getMessage()));
      return new double[1][inputs.size()];
    }
    for (double[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        row[i] = Double.isNaN(row[i]) ? MissingInputs.number(model, inputs.get(i)) : row[i];
      }
    }
    return rows;
  }

  /** Whether it is the score that was served, bit for bit. */
  boolean is(double served) {
    return Double.doubleToLongBits(score) == Double.doubleToLongBits(served);
  }

  /** Places of the inputs, the largest contribution first. */
  List<Integer> byWeight() {
    Integer[] places = new Integer[inputs.size()];
    Arrays.setAll(places, i -> i);
    List<Integer> sorted = new ArrayList<>(Arrays.asList(places));
    sorted.sort(
        (a, b) ->
            Double.compare(
                Math.abs(contributions.values().get(b)), Math.abs(contributions.values().get(a))));
    return sorted;
  }
}
