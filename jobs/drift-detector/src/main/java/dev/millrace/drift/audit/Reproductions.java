package dev.millrace.drift.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.feature.Arrival;
import dev.millrace.drift.audit.Audited.Difference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files that keep mismatches: of each the view's definition, T and positions, what was served
 * and recomputed, and the events that give the recomputed values, as few as do. Of an event there
 * is what the view reads of it, nothing more. The newest hundred stay.
 */
final class Reproductions {

  static final int FILES_MOST = 100;

  /** How often at most the values are computed again to leave events out. */
  private static final int TRIES_MOST = 400;

  private static final Logger LOG = LoggerFactory.getLogger(Reproductions.class);
  private static final JsonMapper JSON = new JsonMapper();

  private final @Nullable Path folder;

  /**
   * Files in a folder.
   *
   * @param folder null where the warehouse is on no disk that this job sees: then there are none
   */
  Reproductions(@Nullable Path folder) {
    this.folder = folder;
  }

  /**
   * Keeps a mismatch.
   *
   * @return the file, or null where it could not be written
   */
  @Nullable String write(
      AuditedView view,
      AuditCase one,
      List<Difference> differences,
      List<Arrival> arrivals,
      @Nullable Object[] values) {
    Path into = folder;
    if (into == null) {
      return null;
    }
    List<Integer> features =
        differences.stream().map(d -> view.features().indexOf(d.feature())).toList();
    List<Arrival> fewest = fewest(view, one.timeMillis(), features, arrivals, values);
    try {
      Path file =
          Files.createDirectories(into).resolve(view.view() + "-" + one.predictionId() + ".json");
      Files.write(
          file,
          JSON.writerWithDefaultPrettyPrinter()
              .writeValueAsBytes(json(view, one, differences, arrivals.size(), fewest)));
      forgetOldest(into);
      return file.toString();
    } catch (IOException e) {
      LOG.warn("Cannot keep a mismatch of view {} in {}: {}", view.view(), into, e.toString(), e);
      return null;
    }
  }

  /**
   * Leaves events out, half of them first, then ever fewer at a time, as long as the features that
   * differ keep the values that were recomputed.
   */
  static List<Arrival> fewest(
      AuditedView view,
      long atMillis,
      List<Integer> features,
      List<Arrival> arrivals,
      @Nullable Object[] values) {
    List<Arrival> kept = new ArrayList<>(arrivals);
    kept.sort(Comparator.comparingLong(Arrival::timeMillis));
    int tries = 0;
    for (int chunk = (kept.size() + 1) / 2; chunk > 0; chunk /= 2) {
      for (int from = 0; from < kept.size(); ) {
        if (tries++ >= TRIES_MOST) {
          return kept;
        }
        List<Arrival> without = new ArrayList<>(kept.subList(0, from));
        without.addAll(kept.subList(Math.min(kept.size(), from + chunk), kept.size()));
        @Nullable Object[] now = view.fold().values(without, atMillis);
        if (features.stream().allMatch(f -> Arrays.deepEquals(at(now, f), at(values, f)))) {
          kept = without;
        } else {
          from += chunk;
        }
      }
    }
    return kept;
  }

  private static @Nullable Object[] at(@Nullable Object[] values, int feature) {
    return new @Nullable Object[] {values[feature]};
  }

  private static ObjectNode json(
      AuditedView view,
      AuditCase one,
      List<Difference> differences,
      int eventsCounted,
      List<Arrival> fewest)
      throws JsonProcessingException {
    ObjectNode json = JSON.createObjectNode();
    json.set("definition", JSON.readTree(view.definition()));
    json.put("version", one.version());
    json.put("prediction_id", one.predictionId());
    json.put("model", one.model());
    json.put("entity_key", one.entityKey());
    json.put("time", one.timeMillis());
    json.put("positions", one.positions().toString());
    ArrayNode different = json.putArray("differences");
    for (Difference difference : differences) {
      ObjectNode each = different.addObject();
      each.put("feature", difference.feature());
      each.put("served", difference.served());
      each.put("recomputed", difference.recomputed());
    }
    json.put("events_counted", eventsCounted);
    ArrayNode columns = json.putArray("columns");
    view.columnNames().forEach(columns::add);
    ArrayNode events = json.putArray("events");
    for (Arrival arrival : fewest) {
      ObjectNode each = events.addObject();
      each.put("time", arrival.timeMillis());
      each.put("partition", arrival.partition());
      each.put("offset", arrival.offset());
      each.set("values", JSON.valueToTree(arrival.values()));
    }
    return json;
  }

  private static void forgetOldest(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.list(folder)) {
      all.filter(f -> f.getFileName().toString().endsWith(".json")).forEach(files::add);
    }
    if (files.size() <= FILES_MOST) {
      return;
    }
    List<Path> byAge = new ArrayList<>(files);
    byAge.sort(Comparator.comparing(f -> f.toFile().lastModified()));
    Set<Path> gone = new HashSet<>(byAge.subList(0, files.size() - FILES_MOST));
    for (Path file : gone) {
      Files.deleteIfExists(file);
    }
  }
}
