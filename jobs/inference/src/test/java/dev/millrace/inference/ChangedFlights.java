package dev.millrace.inference;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Flights whose view of delays was changed with each revision, and whose model took other features
 * of it each time. Revision 1: the mean and a count. Revision 2: the mean, a maximum, and a second
 * view. Revision 3: a minimum alone.
 */
final class ChangedFlights {

  static final List<String> IDS = List.of("aaaaaaaaaaaa", "cccccccccccc", "dddddddddddd");
  static final String PLAIN = "features:{origin:JFK}:origin_delays";
  static final String DEPARTURES = "features:{origin:JFK}:origin_departures";

  private static final Duration HOUR = Duration.ofHours(1);
  private static final List<List<Feature>> FEATURES =
      List.of(
          List.of(
              new Feature("count_1h", Feature.Function.COUNT, null, HOUR, Feature.ValueType.LONG),
              delay("mean", Feature.Function.MEAN)),
          List.of(delay("mean", Feature.Function.MEAN), delay("max", Feature.Function.MAX)),
          List.of(
              delay("mean", Feature.Function.MEAN),
              delay("max", Feature.Function.MAX),
              delay("min", Feature.Function.MIN)));
  private static final List<List<Model.Input>> INPUTS =
      List.of(
          List.of(Flights.DELAY, ofDelays("count_1h"), Flights.DISTANCE),
          List.of(Flights.DELAY, ofDelays("delay_max_1h"), Flights.DEPARTURES, Flights.DISTANCE),
          List.of(ofDelays("delay_min_1h"), Flights.DISTANCE));

  static Model model(int revision) {
    return Flights.model("0.2", INPUTS.get(revision - 1));
  }

  static Project project(int revision) {
    return project(revision, model(revision));
  }

  static Project project(int revision, Model model) {
    Project base = Flights.project(model);
    List<FeatureView> views = new ArrayList<>();
    for (FeatureView view : base.featureViews()) {
      views.add(
          view.name().equals("origin_delays")
              ? delays(view, FEATURES.get(revision - 1), id(revision))
              : view);
    }
    return new Project(
        base.name(), null, base.sources(), base.entities(), views, base.models(), List.of());
  }

  /** What is computed when a revision is applied and earlier ones are kept. */
  static RunningViews running(int revision, Integer... kept) {
    Map<String, ViewIdentity> views = new HashMap<>(Flights.IDENTITIES);
    views.put("origin_delays", identity(revision));
    Map<Integer, Project> earlier = new HashMap<>();
    List<KeptView> keptViews = new ArrayList<>();
    for (int one : kept) {
      earlier.put(one, project(one));
      keptViews.add(new KeptView("origin_delays", identity(one), one));
    }
    return RunningViews.of(
        project(revision),
        new Applied("flights", revision, 0, views, keptViews, Map.of(), Map.of()),
        earlier);
  }

  static ScoringPlan plan(int revision, Integer... kept) {
    return ScoringPlan.of(
        project(revision), model(revision), running(revision, kept), true, InferenceJob.STAGE);
  }

  /** The same, and the model of the applied revision takes nothing but the distance. */
  static ScoringPlan planWithoutViews(int revision, Integer... kept) {
    return ScoringPlan.of(
        project(revision),
        Flights.model("0.2", List.of(Flights.DISTANCE)),
        running(revision, kept),
        true,
        InferenceJob.STAGE);
  }

  static String id(int revision) {
    return IDS.get(revision - 1);
  }

  static ViewIdentity identity(int revision) {
    return new ViewIdentity(revision, id(revision));
  }

  /** A version that was trained on a revision. */
  static DeployedVersion trained(int version, int revision) {
    return pinned(
        version,
        revision == 2
            ? Map.of("origin_delays", id(2), "origin_departures", "bbbbbbbbbbbb")
            : Map.of("origin_delays", id(revision)));
  }

  static DeployedVersion pinned(int version, Map<String, String> views) {
    return new DeployedVersion(
        version, "file:///models/" + version, "sha-" + version, null, null, views);
  }

  static DeploymentRecord record(
      long offset,
      String id,
      Deployment.State state,
      @Nullable Long effectiveTimeMillis,
      DeployedVersion champion,
      @Nullable DeployedVersion canary,
      double share,
      DeployedVersion... shadows) {
    return new DeploymentRecord(
        new Deployment(
            "delay_risk",
            id,
            state,
            effectiveTimeMillis,
            champion,
            canary,
            share,
            Stream.of(shadows).toList(),
            Flights.NOON),
        2,
        offset);
  }

  private static FeatureView delays(FeatureView like, List<Feature> features, String id) {
    return new FeatureView(
        like.name(),
        like.entity(),
        like.source(),
        like.keyFields(),
        null,
        like.accuracy(),
        like.refresh(),
        like.allowedLateness(),
        like.ttl(),
        features,
        id);
  }

  private static Feature delay(String name, Feature.Function function) {
    return new Feature("delay_" + name + "_1h", function, "delay", HOUR, Feature.ValueType.DOUBLE);
  }

  private static Model.Input ofDelays(String feature) {
    return new Model.Input.OfView(feature + "_in", "origin_delays", feature, List.of("origin"));
  }

  private ChangedFlights() {}
}
