package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.VersionCard;
import dev.millrace.core.catalog.VersionPlace;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.registry.Catalogue;
import dev.millrace.registry.CataloguedModel;
import dev.millrace.registry.access.Need;
import dev.millrace.registry.access.Need.About;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.mlflow.PageToken.Page;
import dev.millrace.registry.search.Fields;
import dev.millrace.registry.search.Fields.Field;
import dev.millrace.registry.search.Fields.ValueType;
import dev.millrace.registry.search.Filter;
import dev.millrace.registry.search.Filter.Equality;
import dev.millrace.registry.search.Filter.Subject;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;

/** Versions of models. */
final class ModelVersions {

  private static final int RESULTS = 200_000;
  private static final int SOURCE_MAX = 10_000;
  private static final Fields FIELDS =
      new Fields(
          Map.of(
              "name",
              ValueType.TEXT,
              "run_id",
              ValueType.TEXT,
              "source_path",
              ValueType.TEXT,
              "version_number",
              ValueType.NUMBER,
              "version",
              ValueType.NUMBER,
              "creation_timestamp",
              ValueType.NUMBER,
              "last_updated_timestamp",
              ValueType.NUMBER,
              "current_stage",
              ValueType.TEXT),
          Map.of("tags", ValueType.TEXT),
          Set.of("run_id", "name"));

  /** A version with the model that it is of. */
  private record Named(CataloguedModel model, VersionCard version) {}

  private final CatalogCommands commands;

  ModelVersions(CatalogCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    String root = "/model-versions/";
    Need change = Need.contributing(About.MODEL);
    endpoints
        .post(root + "create", change, this::create)
        .patch(root + "update", change, this::update)
        .post(root + "transition-stage", Need.promoting(About.MODEL), this::transition)
        .delete(root + "delete", Need.administering(About.MODEL), this::delete)
        .get(root + "get", this::get)
        .get(root + "search", this::search)
        .get(root + "get-download-uri", this::downloadUri)
        .post(root + "set-tag", change, this::setTag)
        .delete(root + "delete-tag", change, this::deleteTag);
  }

  private ObjectNode create(MlflowRequest request) throws InterruptedException {
    String name = request.required("name");
    CataloguedModel unusedThere = commands.model(name);
    String source = request.required("source");
    if (source.length() > SOURCE_MAX) {
      throw MlflowError.invalid(
          "Model version source had length %d, which exceeded length limit of %d"
              .formatted(source.length(), SOURCE_MAX));
    }
    Map<String, String> tags = new TreeMap<>(request.tags("tags"));
    ObjectNode details = CatalogJson.object();
    for (String text : List.of("run_id", "run_link", "description", "model_id")) {
      if (!request.text(text, "").isEmpty()) {
        details.put(text, request.text(text, ""));
      }
    }
    ObjectNode written = details.putObject("tags");
    tags.forEach(written::put);
    String content = DigestUtils.sha256Hex(name + '\u001f' + source + '\u001f' + details);
    details.put(LifecycleRules.LOOKED_AT_LATER, true);
    if (request.idempotencyKey().isEmpty()) {
      // Who says which request it is may ask for the same twice.
      details.put("content", content);
    }
    return answer(register(request, name, source, details));
  }

  private Named register(MlflowRequest request, String name, String source, ObjectNode details)
      throws InterruptedException {
    LifecycleEntry event = commands.submit(request, name, Command.REGISTER, null, source, details);
    Integer number = event.version();
    return named(name, number == null ? 0 : number);
  }

  private Named named(String name, int number) {
    CataloguedModel model = commands.model(name);
    return new Named(
        model,
        model.page().version(number).orElseThrow(() -> RegisteredModels.noVersion(name, number)));
  }

  private Named named(MlflowRequest request) {
    return named(request.required("name"), request.version());
  }

  private static ObjectNode answer(Named named) {
    ObjectNode json = CatalogJson.object();
    json.set("model_version", CatalogJson.version(named.model, named.version));
    return json;
  }

  private ObjectNode changed(MlflowRequest request, Command command, ObjectNode details)
      throws InterruptedException {
    String name = request.required("name");
    int version = request.version();
    CataloguedModel unusedAfter = commands.change(request, name, command, version, details);
    return answer(named(name, version));
  }

  private ObjectNode update(MlflowRequest request) throws InterruptedException {
    return changed(
        request,
        Command.UPDATE_VERSION,
        CatalogJson.object().put("description", request.text("description", "")));
  }

  private ObjectNode transition(MlflowRequest request) throws InterruptedException {
    return changed(
        request,
        Command.TRANSITION_VERSION,
        CatalogJson.object()
            .put("stage", request.required("stage"))
            .put("archive_existing", request.flag("archive_existing_versions")));
  }

  private ObjectNode delete(MlflowRequest request) throws InterruptedException {
    CataloguedModel unusedAfter =
        commands.change(
            request,
            request.required("name"),
            Command.DELETE_VERSION,
            request.version(),
            CatalogJson.object());
    return CatalogJson.object();
  }

  private ObjectNode get(MlflowRequest request) {
    return answer(named(request));
  }

  private ObjectNode downloadUri(MlflowRequest request) {
    return CatalogJson.object().put("artifact_uri", named(request).version.source());
  }

  private ObjectNode setTag(MlflowRequest request) throws InterruptedException {
    ObjectNode unusedVersion =
        changed(
            request,
            Command.SET_TAG,
            CatalogJson.object()
                .put("key", request.required("key"))
                .put("value", request.text("value", "")));
    return CatalogJson.object();
  }

  private ObjectNode deleteTag(MlflowRequest request) throws InterruptedException {
    ObjectNode unusedVersion =
        changed(
            request, Command.DELETE_TAG, CatalogJson.object().put("key", request.required("key")));
    return CatalogJson.object();
  }

  private ObjectNode search(MlflowRequest request) {
    int max = request.maxResults(RESULTS, RESULTS);
    Filter filter = Searches.filter(request, FIELDS);
    Comparator<Named> order =
        Searches.order(
            request,
            FIELDS,
            ModelVersions::subject,
            Comparator.<Named>comparingLong(n -> -n.version.updatedAtMillis())
                .thenComparing(n -> n.model.name())
                .thenComparing(n -> -n.version.version()));
    List<Named> found =
        candidates(filter).filter(n -> filter.accepts(subject(n))).sorted(order).toList();
    Page<Named> page = PageToken.page(found, request.offset(), max);
    ObjectNode json = CatalogJson.object();
    ArrayNode versions = json.putArray("model_versions");
    page.items().forEach(n -> versions.add(CatalogJson.version(n.model, n.version)));
    if (!page.next().isEmpty()) {
      json.put("next_page_token", page.next());
    }
    return json;
  }

  /** Few versions among which there are all that the filter lets through. */
  private Stream<Named> candidates(Filter filter) {
    Catalogue catalogue = commands.catalogue();
    Optional<String> model = filter.equalTo("name");
    if (model.isPresent()) {
      return standing(catalogue.model(model.get()).stream());
    }
    return filter.equalities().stream()
        .map(this::indexed)
        .flatMap(Optional::stream)
        .min(Comparator.comparingInt(Set::size))
        .map(places -> places.stream().flatMap(p -> named(p).stream()))
        .orElseGet(() -> standing(catalogue.models().stream()));
  }

  private static Stream<Named> standing(Stream<CataloguedModel> models) {
    return models.flatMap(m -> m.page().standing().stream().map(v -> new Named(m, v)));
  }

  private Optional<Set<VersionPlace>> indexed(Equality equality) {
    Field field = equality.field();
    if (field.group().equals("tags") && !CatalogJson.isKnown(field.name())) {
      return Optional.of(commands.catalogue().versionsWithTag(field.name(), equality.value()));
    }
    return field.name().equals("run_id") && field.group().equals(Field.ATTRIBUTES)
        ? Optional.of(commands.catalogue().versionsOfRun(equality.value()))
        : Optional.empty();
  }

  private Optional<Named> named(VersionPlace place) {
    return commands
        .catalogue()
        .model(place.model())
        .flatMap(m -> m.page().version(place.version()).map(v -> new Named(m, v)));
  }

  private static Subject subject(Named named) {
    return field -> value(named, field);
  }

  private static @Nullable Object value(Named named, Field field) {
    VersionCard version = named.version;
    if (field.group().equals("tags")) {
      return CatalogJson.tag(named.model, version, field.name());
    }
    return switch (field.name()) {
      case "name" -> named.model.name();
      case "run_id" -> version.runId().isEmpty() ? null : version.runId();
      case "source_path" -> version.source();
      case "creation_timestamp" -> version.createdAtMillis();
      case "last_updated_timestamp" -> version.updatedAtMillis();
      case "current_stage" -> version.stage().text();
      default -> version.version();
    };
  }
}
