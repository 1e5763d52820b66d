package dev.millrace.pipeline.training;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.iceberg.shaded.org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.iceberg.shaded.org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.iceberg.shaded.org.apache.parquet.schema.Type;
import org.apache.iceberg.shaded.org.apache.parquet.schema.Types;

/** What {@code VIEW:FEATURE,VIEW:*} names. */
final class SpineFeatures {

  /** The features of each view, in the order in which they are named, each once. */
  static Map<FeatureView, List<Feature>> of(Project project, List<String> named) {
    Map<FeatureView, List<Feature>> wanted = new LinkedHashMap<>();
    for (String name : named) {
      int colon = name.indexOf(':');
      if (colon < 0) {
        throw new IllegalArgumentException(
            "Cannot join feature %s: it names no view; write VIEW:FEATURE or VIEW:*"
                .formatted(name));
      }
      FeatureView view =
          project
              .featureView(name.substring(0, colon))
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "Cannot join feature %s: project %s has no view of that name"
                              .formatted(name, project.name())));
      List<Feature> features = wanted.computeIfAbsent(view, v -> new ArrayList<>());
      for (Feature feature : features(view, name.substring(colon + 1))) {
        if (!features.contains(feature)) {
          features.add(feature);
        }
      }
    }
    return wanted;
  }

  private static List<Feature> features(FeatureView view, String name) {
    if (name.equals("*")) {
      return view.features();
    }
    Optional<Feature> feature = view.feature(name);
    if (feature.isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot join feature %s: view %s has %s"
              .formatted(name, view.name(), view.features().stream().map(Feature::name).toList()));
    }
    return List.of(feature.get());
  }

  /** The feature's column in the set. */
  static Type column(FeatureView view, Feature feature) {
    String name = view.name() + ":" + feature.name();
    return switch (feature.type().kind()) {
      case LONG -> Types.optional(PrimitiveTypeName.INT64).named(name);
      case DOUBLE -> Types.optional(PrimitiveTypeName.DOUBLE).named(name);
      case BOOLEAN -> Types.optional(PrimitiveTypeName.BOOLEAN).named(name);
      case STRING, LIST, MAP ->
          Types.optional(PrimitiveTypeName.BINARY)
              .as(LogicalTypeAnnotation.stringType())
              .named(name);
    };
  }

  private SpineFeatures() {}
}
