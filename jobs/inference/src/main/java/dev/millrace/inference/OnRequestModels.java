package dev.millrace.inference;

import dev.millrace.core.model.Deployment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToIntFunction;

/**
 * Every applied model, for scoring on request. Any thread may ask; one thread tells what is new.
 */
final class OnRequestModels implements AutoCloseable {

  private final OnRequestEnds ends;

  // Guarded by this.
  private final Map<String, OnRequestModel> models = new TreeMap<>();
  private final Map<String, List<DeploymentRecord>> deployments = new HashMap<>();
  private final Map<Integer, Long> lastOffsets = new HashMap<>();
  private Map<String, String> unplanned = Map.of();

  private volatile boolean ready;

  OnRequestModels(OnRequestEnds ends) {
    this.ends = ends;
  }

  /** Whether the topics were read to the end that they had at the start. */
  boolean isReady() {
    return ready;
  }

  void becomeReady() {
    ready = true;
  }

  /**
   * Takes what is applied.
   *
   * @param plans by model; an equal one where nothing about the model is new
   * @param problems by model that cannot be scored: why
   */
  void applied(Map<String, ScoringPlan> plans, Map<String, String> problems) {
    List<OnRequestModel> old = new ArrayList<>();
    synchronized (this) {
      unplanned = Map.copyOf(problems);
      for (String name : Set.copyOf(models.keySet())) {
        OnRequestModel model = models.get(name);
        if (model != null && !model.plan().equals(plans.get(name))) {
          old.add(model);
          models.remove(name);
        }
      }
      plans.forEach(
          (name, plan) ->
              models.computeIfAbsent(
                  name,
                  n -> new OnRequestModel(plan, ends, deployments.getOrDefault(name, List.of()))));
    }
    old.forEach(OnRequestModel::close);
  }

  /** Takes an entry of {@code models.deployments}; one that was taken before is passed over. */
  synchronized void deployed(DeploymentRecord record) {
    Long last = lastOffsets.get(record.partition());
    if (last != null && record.offset() <= last) {
      return;
    }
    lastOffsets.put(record.partition(), record.offset());
    Deployment deployment = record.deployment();
    deployments.computeIfAbsent(deployment.model(), m -> new ArrayList<>()).add(record);
    OnRequestModel model = models.get(deployment.model());
    if (model != null) {
      model.deployed(record);
    }
  }

  /**
   * The model of a name.
   *
   * @throws RequestRefusedException where there is none, or it cannot be told yet
   */
  synchronized OnRequestModel model(String name) throws RequestRefusedException {
    if (!ready) {
      throw new RequestRefusedException(
          RequestRefusedException.UNAVAILABLE,
          "Cannot answer yet: the definitions and deployments are still being read; come again in"
              + " a moment");
    }
    OnRequestModel model = models.get(name);
    if (model != null) {
      return model;
    }
    String why = unplanned.get(name);
    if (why != null) {
      throw new RequestRefusedException(RequestRefusedException.UNAVAILABLE, why);
    }
    throw new RequestRefusedException(
        RequestRefusedException.NOT_FOUND,
        "there is no model " + name + "; applied are " + new TreeSet<>(models.keySet()));
  }

  /** A figure of each model. */
  synchronized Map<String, Integer> figures(ToIntFunction<OnRequestModel> figure) {
    Map<String, Integer> figures = new TreeMap<>();
    models.forEach((name, model) -> figures.put(name, figure.applyAsInt(model)));
    return figures;
  }

  @Override
  public void close() {
    List<OnRequestModel> all;
    synchronized (this) {
      all = new ArrayList<>(models.values());
      models.clear();
    }
    all.forEach(OnRequestModel::close);
  }
}
