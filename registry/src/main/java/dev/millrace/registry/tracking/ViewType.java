package dev.millrace.registry.tracking;

import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import java.util.Locale;

/** Whether what was deleted is looked for too. */
enum ViewType {
  ACTIVE_ONLY,
  DELETED_ONLY,
  ALL;

  static ViewType of(MlflowRequest request, String name) {
    String text = request.text(name, "").toUpperCase(Locale.ROOT);
    return switch (text) {
      // The numbers are those of the protocol.
      case "", "1", "ACTIVE_ONLY" -> ACTIVE_ONLY;
      case "2", "DELETED_ONLY" -> DELETED_ONLY;
      case "3", "ALL" -> ALL;
      default ->
          throw MlflowError.invalid(
              "Invalid view type '"
                  + (text.length() > 100 ? text.substring(0, 100) : text)
                  + "'. Value must be one of ACTIVE_ONLY, DELETED_ONLY, ALL");
    };
  }

  boolean shows(boolean deleted) {
    return this == ALL || deleted == (this == DELETED_ONLY);
  }
}
