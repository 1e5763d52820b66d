package dev.millrace.registry.mlflow;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.CatalogRules;
import dev.millrace.core.catalog.ModelCard;
import dev.millrace.core.catalog.Stage;
import dev.millrace.core.catalog.VersionCard;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.registry.CataloguedModel;
import dev.millrace.registry.access.Need;
import dev.millrace.registry.access.Need.About;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.mlflow.PageToken.Page;
import dev.millrace.registry.search.Fields;
import dev.millrace.registry.search.Fields.Field;
import dev.millrace.registry.search.Fields.ValueType;
import dev.millrace.registry.search.Filter;
import dev.millrace.registry.search.Filter.Subject;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Registered models: their cards, tags and aliases. */
final class RegisteredModels {

  private static final int NAME_MAX = 250;
  private static final int RESULTS = 100;
  private static final int RESULTS_MAX = 1_000;
  private static final Fields FIELDS =
      new Fields(
          Map.of(
              "name",
              ValueType.TEXT,
              "timestamp",
              ValueType.NUMBER,
              "creation_timestamp",
              ValueType.NUMBER,
              "last_updated_timestamp",
              ValueType.NUMBER),
          Map.of("tags", ValueType.TEXT),
          Set.of());

  private final CatalogCommands commands;

  RegisteredModels(CatalogCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    String root = "/registered-models/";
    Need change = Need.contributing(About.MODEL);
    endpoints
        .post(root + "create", Need.contributing(About.NEW_MODEL), this::create)
        .post(root + "rename", change, this::rename)
        .patch(root + "update", change, this::update)
        .delete(root + "delete", Need.administering(About.MODEL), this::delete)
        .get(root + "get", this::get)
        .get(root + "search", this::search)
        .get(root + "get-latest-versions", this::latest)
        .post(root + "get-latest-versions", Need.READING, this::latest)
        .post(root + "set-tag", change, this::setTag)
        .delete(root + "delete-tag", change, this::deleteTag)
        .post(root + "alias", change, this::setAlias)
        .delete(root + "alias", change, this::deleteAlias)
        .get(root + "alias", this::alias);
  }

  private ObjectNode create(MlflowRequest request) throws InterruptedException {
    String name = newName(request.required("name"));
    ObjectNode details = described(request);
    ObjectNode tags = details.putObject("tags");
    request.tags("tags").forEach(tags::put);
    return answer(commands.change(request, name, Command.CREATE_MODEL, null, details));
  }

  /** A name that a model may get. */
  static String newName(String name) {
    if (name.length() > NAME_MAX) {
      throw MlflowError.invalid(
          "Registered model name had length %d, which exceeded length limit of %d"
              .formatted(name.length(), NAME_MAX));
    }
    if (name.contains("/")
        || name.contains(":")
        || name.contains("%")
        || name.chars().anyMatch(Character::isISOControl)
        || name.equals(".")
        || name.equals("..")) {
      throw MlflowError.invalid(
          "Invalid name: '"
              + name
              + "'. Registered model name cannot contain '/', ':', '%' or control characters.");
    }
    return name;
  }

  private ObjectNode rename(MlflowRequest request) {
    CataloguedModel model = commands.model(request.required("name"));
    String unusedNext = newName(request.required("new_name"));
    throw new MlflowError(
        MlflowError.Code.NOT_IMPLEMENTED,
        "model "
            + model.name()
            + " cannot be renamed: predictions, deployments and definitions name it for ever; "
            + "register its versions under the new name");
  }

  private ObjectNode update(MlflowRequest request) throws InterruptedException {
    return answer(
        commands.change(
            request, request.required("name"), Command.UPDATE_MODEL, null, described(request)));
  }

  private static ObjectNode described(MlflowRequest request) {
    return CatalogJson.object().put("description", request.text("description", ""));
  }

  private ObjectNode delete(MlflowRequest request) throws InterruptedException {
    var unusedModel =
        commands.change(
            request, request.required("name"), Command.DELETE_MODEL, null, CatalogJson.object());
    return CatalogJson.object();
  }

  private ObjectNode get(MlflowRequest request) {
    return answer(commands.model(request.required("name")));
  }

  private static ObjectNode answer(CataloguedModel model) {
    ObjectNode json = CatalogJson.object();
    json.set("registered_model", CatalogJson.model(model));
    return json;
  }

  private ObjectNode search(MlflowRequest request) {
    int max = request.maxResults(RESULTS, RESULTS_MAX);
    Filter filter = Searches.filter(request, FIELDS);
    Comparator<CataloguedModel> order =
        Searches.order(
            request,
            FIELDS,
            RegisteredModels::subject,
            Comparator.comparing(CataloguedModel::name));
    Optional<String> named = filter.equalTo("name");
    Stream<CataloguedModel> all =
        named.isPresent()
            ? commands.catalogue().model(named.get()).stream()
            : commands.catalogue().models().stream();
    List<CataloguedModel> found =
        all.filter(CataloguedModel::exists)
            .filter(m -> filter.accepts(subject(m)))
            .sorted(order)
            .toList();
    Page<CataloguedModel> page = PageToken.page(found, request.offset(), max);
    ObjectNode json = CatalogJson.object();
    ArrayNode models = json.putArray("registered_models");
    page.items().forEach(m -> models.add(CatalogJson.model(m)));
    if (!page.next().isEmpty()) {
      json.put("next_page_token", page.next());
    }
    return json;
  }

  private static Subject subject(CataloguedModel model) {
    return field -> value(model, field);
  }

  private static @Nullable Object value(CataloguedModel model, Field field) {
    ModelCard card = model.page().card();
    if (card == null) {
      return null;
    }
    if (field.group().equals("tags")) {
      return card.tags().get(field.name());
    }
    return switch (field.name()) {
      case "name" -> model.name();
      case "creation_timestamp" -> card.createdAtMillis();
      default -> card.updatedAtMillis();
    };
  }

  private ObjectNode latest(MlflowRequest request) {
    CataloguedModel model = commands.model(request.required("name"));
    List<Stage> stages =
        request.texts("stages").stream().filter(s -> !s.isEmpty()).map(Searches::stage).toList();
    ObjectNode json = CatalogJson.object();
    ArrayNode versions = json.putArray("model_versions");
    CatalogJson.latest(model, stages).forEach(v -> versions.add(CatalogJson.version(model, v)));
    return json;
  }

  private ObjectNode setTag(MlflowRequest request) throws InterruptedException {
    return done(
        request,
        Command.SET_TAG,
        null,
        CatalogJson.object()
            .put("key", request.required("key"))
            .put("value", request.text("value", "")));
  }

  private ObjectNode deleteTag(MlflowRequest request) throws InterruptedException {
    return done(
        request,
        Command.DELETE_TAG,
        null,
        CatalogJson.object().put("key", request.required("key")));
  }

  private ObjectNode setAlias(MlflowRequest request) throws InterruptedException {
    return done(
        request,
        Command.SET_ALIAS,
        request.version(),
        CatalogJson.object().put("alias", request.required("alias")));
  }

  private ObjectNode deleteAlias(MlflowRequest request) throws InterruptedException {
    return done(
        request,
        Command.DELETE_ALIAS,
        null,
        CatalogJson.object().put("alias", request.required("alias")));
  }

  private ObjectNode alias(MlflowRequest request) {
    CataloguedModel model = commands.model(request.required("name"));
    String alias = request.required("alias");
    Integer number = model.aliases().get(alias);
    VersionCard version =
        Optional.ofNullable(number)
            .flatMap(n -> model.page().version(n))
            .orElseThrow(
                () -> MlflowError.invalid("Registered model alias " + alias + " not found."));
    ObjectNode json = CatalogJson.object();
    json.set("model_version", CatalogJson.version(model, version));
    return json;
  }

  /** A change that is answered with nothing but that it was made. */
  private ObjectNode done(
      MlflowRequest request, Command command, @Nullable Integer version, ObjectNode details)
      throws InterruptedException {
    CataloguedModel unusedAfter =
        commands.change(request, request.required("name"), command, version, details);
    return CatalogJson.object();
  }

  /** Told where a version is not there. */
  static MlflowError noVersion(String model, int version) {
    return MlflowError.missing(CatalogRules.noVersion(model, version));
  }
}
