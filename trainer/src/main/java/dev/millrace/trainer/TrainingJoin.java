package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Model.Label;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.model.MissingInputs;
import dev.millrace.core.row.AsOf;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.iceberg.catalog.Catalog;
import org.jspecify.annotations.Nullable;

/**
 * The point-in-time join: each scored event with the feature rows that held at its own time, and
 * the label that came after it.
 *
 * <p><b>Events</b> are those of the archive of the model's source in the window, each id once: the
 * first by (partition, offset). <b>Features</b> are the row of each view that the event sees by the
 * rule of {@link AsOf}, never one with a T beyond the event's time ({@link FeatureLog}).
 * <b>Labels</b> are events of the label's source with a time in (event time, event time + wait]. An
 * unlabelled event is left out, or, where the model says what absence means, gets that once its
 * wait has passed; before that even a label that came does not count then, because among young
 * events only one of the two outcomes is known.
 *
 * <p>With an as-of time T the window ends at T and nothing of a later event time is seen. Without
 * one all that is archived is seen, and the window ends where labels are complete: {@code wait}
 * before the newest event of the label's source.
 *
 * <p>All is held in memory: about 100 bytes an event and 160 a feature row, with 8 more for each
 * input; what would not fit is refused with its numbers.
 */
public final class TrainingJoin {

  private static final int BYTES_PER_EVENT = 160;

  private final Catalog catalog;
  private final Project project;
  private final Consumer<String> progress;

  /**
   * A join over a project's tables.
   *
   * @param progress told in a few words what happens now
   */
  public TrainingJoin(Catalog catalog, Project project, Consumer<String> progress) {
    this.catalog = catalog;
    this.project = project;
    this.progress = progress;
  }

  /** Joins the model's training set. */
  public TrainingSet join(Model model, @Nullable Instant asOf) {
    return join(model, asOf, null);
  }

  /**
   * Joins the events of a window, with labels of all of them: it is one whose labels are mature.
   *
   * @param startMillis the window begins after it
   */
  public TrainingSet join(Model model, long startMillis, long endMillis) {
    long waitMillis = label(model).labelWait().toMillis();
    return join(
        model,
        null,
        new TrainingSet.Bounds(startMillis, endMillis, Math.addExact(endMillis, waitMillis)));
  }

  /**
   * Joins all events up to a time, labelled or not; their labels are NaN.
   *
   * @param asOf null for all that are archived
   */
  public TrainingSet joinUnlabelled(Model model, @Nullable Instant asOf) {
    JoinPlan plan = JoinPlan.of(project, model);
    EventArchive events = new EventArchive(catalog, project.name(), plan.source());
    OptionalLong newest = events.newestMillis();
    if (newest.isEmpty()) {
      throw noEvents(model, events);
    }
    long end = asOf == null ? newest.getAsLong() : asOf.toEpochMilli();
    TrainingSet.Bounds bounds = new TrainingSet.Bounds(start(model, end), end, end);
    Map<String, Long> snapshots = new HashMap<>();
    snapshots.put(events.table().name(), events.table().snapshotId());
    Spine spine = new Spine(plan.views().size(), plan.expressions().size());
    long uncomputed = readEvents(model, plan, events, bounds, spine);
    spine.close();
    int[] rows = new int[spine.size()];
    for (int row = 0; row < rows.length; row++) {
      rows[row] = row;
    }
    return columned(
        model, plan, bounds, spine, inOrder(spine, rows, rows.length), snapshots, uncomputed);
  }

  private static TrainingException noEvents(Model model, EventArchive archive) {
    return new TrainingException(
        "Cannot build a training set of %s: %s has no events yet; produce some first"
            .formatted(model.name(), archive.table().name()));
  }

  private static long start(Model model, long end) {
    Model.Training training = model.training();
    return training == null ? Long.MIN_VALUE : end - training.window().toMillis();
  }

  private static Label label(Model model) {
    Label label = model.label();
    if (label == null) {
      throw TrainingException.ofDefinition(
          "Cannot build a training set of %s: it has no label; add label: to the model"
              .formatted(model.name()));
    }
    return label;
  }

  private TrainingSet join(
      Model model, @Nullable Instant asOf, TrainingSet.@Nullable Bounds asked) {
    Label label = label(model);
    JoinPlan plan = JoinPlan.of(project, model);
    Source labelSource =
        JoinPlan.source(project, label.source(), "label.source of " + model.name());
    EventArchive events = new EventArchive(catalog, project.name(), plan.source());
    EventArchive labels =
        labelSource.name().equals(plan.source().name())
            ? events
            : new EventArchive(catalog, project.name(), labelSource);
    TrainingSet.Bounds bounds = asked == null ? bounds(model, label, events, labels, asOf) : asked;
    Map<String, Long> snapshots = new HashMap<>();
    snapshots.put(events.table().name(), events.table().snapshotId());
    snapshots.put(labels.table().name(), labels.table().snapshotId());

    Spine spine = new Spine(plan.views().size(), plan.expressions().size());
    long uncomputed = readEvents(model, plan, events, bounds, spine);
    spine.close();
    readLabels(label, labelSource, labels, bounds, spine);
    int[] rows = labelled(label, bounds, spine);
    progress.accept(
        String.format(
            Locale.ROOT,
            "%,d events from %s to %s, %,d of them labelled",
            spine.size(),
            bounds.startMillis() == Long.MIN_VALUE ? "the first" : utc(bounds.startMillis()),
            utc(bounds.endMillis()),
            rows.length));
    return columned(model, plan, bounds, spine, rows, snapshots, uncomputed);
  }

  private TrainingSet columned(
      Model model,
      JoinPlan plan,
      TrainingSet.Bounds bounds,
      Spine spine,
      int[] rows,
      Map<String, Long> snapshots,
      long uncomputed) {
    double[][] columns = columns(model, plan, bounds, spine, rows, snapshots);
    Map<String, String> views = new HashMap<>();
    plan.views().forEach(v -> views.put(v.view().name(), v.view().id()));
    return trainingSet(
        model,
        bounds,
        spine,
        rows,
        columns,
        new TrainingSet.Origin(
            snapshots,
            views,
            spine.size(),
            spine.repeats(),
            spine.size() - (long) rows.length,
            uncomputed));
  }

  private static TrainingSet.Bounds bounds(
      Model model, Label label, EventArchive events, EventArchive labels, @Nullable Instant asOf) {
    long end;
    long known;
    if (asOf != null) {
      end = asOf.toEpochMilli();
      known = end;
    } else {
      OptionalLong newestEvent = events.newestMillis();
      OptionalLong newestLabel = labels.newestMillis();
      if (newestEvent.isEmpty() || newestLabel.isEmpty()) {
        throw noEvents(model, newestEvent.isEmpty() ? events : labels);
      }
      known = Math.max(newestEvent.getAsLong(), newestLabel.getAsLong());
      end =
          Math.min(newestEvent.getAsLong(), newestLabel.getAsLong() - label.labelWait().toMillis());
    }
    return new TrainingSet.Bounds(start(model, end), end, known);
  }

  private long readEvents(
      Model model, JoinPlan plan, EventArchive events, TrainingSet.Bounds bounds, Spine spine) {
    progress.accept("reading " + events.table().name());
    Source source = plan.source();
    events
        .table()
        .requireRoom(
            source.eventTime(),
            bounds.startMillis(),
            bounds.endMillis(),
            BYTES_PER_EVENT + model.inputs().size() * Double.BYTES);
    int idPosition = source.schema().getField(source.eventId()).pos();
    long[] uncomputed = {0};
    events.read(
        plan.fields(),
        bounds.startMillis(),
        bounds.endMillis(),
        (partition, offset, timeMillis, values) -> {
          int row = spine.add(String.valueOf(values[idPosition]), timeMillis, partition, offset);
          if (row < 0) {
            return;
          }
          for (int view = 0; view < plan.views().size(); view++) {
            spine.entity(row, view, plan.views().get(view).entity(values));
          }
          for (int i = 0; i < plan.expressions().size(); i++) {
            OnDemandInput.Result result = plan.expressions().get(i).of(values);
            uncomputed[0] += result.uncomputed() ? 1 : 0;
            spine.onDemand(row, i, result.value());
          }
        });
    return uncomputed[0];
  }

  private void readLabels(
      Label label, Source source, EventArchive labels, TrainingSet.Bounds bounds, Spine spine) {
    progress.accept("reading labels from " + labels.table().name());
    Expression value =
        Expression.compile(label.value(), source.schema(), Expression.Type.DOUBLE, Map.of());
    Set<String> fields = new LinkedHashSet<>(value.fields());
    fields.add(label.on());
    int on = source.schema().getField(label.on()).pos();
    long waitMillis = label.labelWait().toMillis();
    labels.read(
        fields,
        bounds.startMillis(),
        bounds.knownMillis(),
        (partition, offset, timeMillis, values) -> {
          Object id = values[on];
          int row = id == null ? -1 : spine.row(String.valueOf(id));
          if (row < 0
              || timeMillis <= spine.timeMillis(row)
              || timeMillis - spine.timeMillis(row) > waitMillis) {
            return;
          }
          double truth = truth(value, values);
          if (!Double.isNaN(truth)) {
            spine.label(row, truth, timeMillis, partition, offset, label.repeat());
          }
        });
  }

  private static double truth(Expression value, @Nullable Object[] values) {
    try {
      return value.evaluate(values) instanceof Number number ? number.doubleValue() : Double.NaN;
    } catch (ExpressionException e) {
      // What cannot be computed says nothing about the event.
      return Double.NaN;
    }
  }

  /** The rows that take part, by (event time, event id). */
  private static int[] labelled(Label label, TrainingSet.Bounds bounds, Spine spine) {
    int[] rows = new int[spine.size()];
    int kept = 0;
    Double absent = label.absentValue();
    for (int row = 0; row < spine.size(); row++) {
      if (absent != null) {
        if (spine.timeMillis(row) + label.labelWait().toMillis() > bounds.knownMillis()) {
          continue;
        }
        if (Double.isNaN(spine.label(row))) {
          spine.fillIn(row, absent);
        }
      }
      if (!Double.isNaN(spine.label(row))) {
        rows[kept++] = row;
      }
    }
    return inOrder(spine, rows, kept);
  }

  /** The first of these rows by (event time, event id). */
  private static int[] inOrder(Spine spine, int[] rows, int kept) {
    int[] order =
        IndexSort.order(
            kept,
            (a, b) ->
                spine.timeMillis(rows[a]) != spine.timeMillis(rows[b])
                    ? Long.compare(spine.timeMillis(rows[a]), spine.timeMillis(rows[b]))
                    : spine.id(rows[a]).compareTo(spine.id(rows[b])));
    for (int i = 0; i < kept; i++) {
      order[i] = rows[order[i]];
    }
    return order;
  }

  private double[][] columns(
      Model model,
      JoinPlan plan,
      TrainingSet.Bounds bounds,
      Spine spine,
      int[] rows,
      Map<String, Long> snapshots) {
    double[][] columns = new double[model.inputs().size()][];
    for (int view = 0; view < plan.views().size(); view++) {
      JoinPlan.OfView viewPlan = plan.views().get(view);
      FeatureLog log =
          new FeatureLog(
              catalog,
              project.name(),
              viewPlan.view(),
              viewPlan.features(),
              viewPlan.view().source().equals(model.source()));
      snapshots.put(log.table().name(), log.table().snapshotId());
      progress.accept("reading " + log.table().name());
      log.load(viewPlan.byKey(), bounds.startMillis(), bounds.endMillis());
      long without = 0;
      int[] found = new int[rows.length];
      for (int i = 0; i < rows.length; i++) {
        int entity = spine.entity(rows[i], view);
        found[i] =
            entity < 0
                ? -1
                : log.find(
                    entity,
                    spine.partition(rows[i]),
                    spine.offset(rows[i]),
                    spine.timeMillis(rows[i]));
        without += found[i] < 0 ? 1 : 0;
      }
      progress.accept(
          String.format(
              Locale.ROOT,
              "%s: %,d rows, %,d events without one",
              viewPlan.view().name(),
              log.size(),
              without));
      for (int c = 0; c < columns.length; c++) {
        JoinPlan.Place place = plan.places().get(c);
        if (place.view() == view) {
          columns[c] = new double[rows.length];
          for (int i = 0; i < rows.length; i++) {
            columns[c][i] = found[i] < 0 ? Double.NaN : log.value(place.at(), found[i]);
          }
        }
      }
    }
    for (int c = 0; c < columns.length; c++) {
      JoinPlan.Place place = plan.places().get(c);
      if (place.view() < 0) {
        columns[c] = new double[rows.length];
        for (int i = 0; i < rows.length; i++) {
          columns[c][i] = spine.onDemand(rows[i], place.at());
        }
      }
      double missing = MissingInputs.number(model, model.inputs().get(c).name());
      for (int i = 0; i < rows.length; i++) {
        if (Double.isNaN(columns[c][i])) {
          columns[c][i] = missing;
        }
      }
    }
    return columns;
  }

  private TrainingSet trainingSet(
      Model model,
      TrainingSet.Bounds bounds,
      Spine spine,
      int[] rows,
      double[][] columns,
      TrainingSet.Origin origin) {
    String[] ids = new String[rows.length];
    long[] times = new long[rows.length];
    double[] labels = new double[rows.length];
    for (int i = 0; i < rows.length; i++) {
      ids[i] = spine.id(rows[i]);
      times[i] = spine.timeMillis(rows[i]);
      labels[i] = spine.label(rows[i]);
    }
    return new TrainingSet(
        project.name(),
        model.name(),
        bounds,
        model.inputs().stream().map(Input::name).toList(),
        ids,
        times,
        columns,
        labels,
        origin);
  }

  private static String utc(long millis) {
    return Instant.ofEpochMilli(millis).toString();
  }
}
