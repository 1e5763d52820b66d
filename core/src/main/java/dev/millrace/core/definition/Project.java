package dev.millrace.core.definition;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One project as its {@code millrace.yaml} says it, defaults filled in, names resolved.
 *
 * <p>Everything here was validated: each reference leads somewhere and each expression type-checks.
 */
public record Project(
    String name,
    @Nullable String owner,
    List<Source> sources,
    List<Entity> entities,
    List<FeatureView> featureViews,
    List<Model> models,
    List<Unbuilt> unbuilt) {

  public Project {
    sources = List.copyOf(sources);
    entities = List.copyOf(entities);
    featureViews = List.copyOf(featureViews);
    models = List.copyOf(models);
    unbuilt = List.copyOf(unbuilt);
  }

  /** A key that is valid and that this version of Millrace cannot run yet. */
  public record Unbuilt(String file, int line, String path, String reason) {}

  /** What a view or a model reads: a source, or the rows of a view as events. */
  public Optional<Source> source(String sourceName) {
    return sources.stream()
        .filter(s -> s.name().equals(sourceName))
        .findFirst()
        .or(() -> featureView(sourceName).flatMap(this::rows));
  }

  private Optional<Source> rows(FeatureView view) {
    return source(view.source()).map(read -> ViewSource.of(view, read));
  }

  /** The source whose events a view's rows come from, through however many views. */
  public Source origin(FeatureView view) {
    Source read =
        source(view.source())
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "view " + view.name() + " reads " + view.source() + ", which is not here"));
    return read.kind() == Source.Kind.VIEW
        ? origin(featureView(view.source()).orElseThrow())
        : read;
  }

  /** Everything that a view of the project reads: the sources, and views that others read. */
  public List<Source> streams() {
    return Stream.concat(
            sources.stream(),
            featureViews.stream()
                .filter(v -> sources.stream().noneMatch(s -> s.name().equals(v.name())))
                .flatMap(v -> rows(v).stream()))
        .filter(s -> !readersOf(s).isEmpty())
        .toList();
  }

  /** The views that read a source, or another view. */
  public List<FeatureView> readersOf(Source source) {
    return featureViews.stream().filter(v -> v.source().equals(source.name())).toList();
  }

  public Optional<FeatureView> featureView(String viewName) {
    return featureViews.stream().filter(v -> v.name().equals(viewName)).findFirst();
  }

  public Optional<Model> model(String modelName) {
    return models.stream().filter(m -> m.name().equals(modelName)).findFirst();
  }
}
