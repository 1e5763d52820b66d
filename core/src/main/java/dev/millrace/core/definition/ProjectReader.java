package dev.millrace.core.definition;

import dev.millrace.core.plugin.Plugins;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;

/** One reading of one project: files first, then sources and entities, then what refers to them. */
final class ProjectReader {

  private static final int MOST_FILES = 200;

  private final ProjectFiles files;
  private final Plugins plugins;
  private final Report report = new Report();
  private final Map<String, String> contents = new LinkedHashMap<>();

  ProjectReader(ProjectFiles files, Plugins plugins) {
    this.files = files;
    this.plugins = plugins;
  }

  void collect(Map<String, String> into) {
    List<Section> documents = documents();
    if (documents.isEmpty()) {
      report.check();
    }
    for (Section document : documents) {
      for (Section source : document.sections("sources")) {
        Value schema = source.take("schema");
        if (schema != null) {
          content(schema);
        }
      }
    }
    into.putAll(contents);
  }

  Project read() {
    List<Section> documents = documents();
    Names names = new Names();
    String project = null;
    String owner = null;
    List<Section> sources = new ArrayList<>();
    List<Section> entities = new ArrayList<>();
    List<Section> views = new ArrayList<>();
    List<Section> models = new ArrayList<>();
    for (Section document : documents) {
      boolean root = document == documents.get(0);
      if (root) {
        Value name = document.required("project");
        project = name == null ? null : name.name();
        owner = document.forPeople();
      }
      document.take("include");
      sources.addAll(document.sections("sources"));
      entities.addAll(document.sections("entities"));
      views.addAll(document.sections("feature-views"));
      models.addAll(document.sections("models"));
      document.close();
    }
    Scope scope = new Scope(report, names, plugins);
    SourceReader sourceReader = new SourceReader(scope, this::content, report);
    sources.forEach(sourceReader::read);
    EntityReader entityReader = new EntityReader(scope);
    entities.forEach(entityReader::read);
    ViewOrder viewOrder = new ViewOrder(views, scope.sourcesByName());
    ViewReader viewReader = new ViewReader(scope, viewOrder);
    viewOrder.sections().forEach(viewReader::read);
    ModelReader modelReader = new ModelReader(scope);
    models.forEach(modelReader::read);
    report.check();
    if (project == null) {
      throw new IllegalStateException("a project without a name was not reported");
    }
    return new Project(
        project,
        owner,
        archived(scope.sources(), modelReader.labelSources()),
        scope.entities(),
        scope.views(views),
        modelReader.models(),
        report.unbuilt());
  }

  /** The events that labels come from are always archived. */
  private static List<Source> archived(List<Source> sources, Set<String> labelSources) {
    return sources.stream()
        .map(
            s ->
                s.archive() || !labelSources.contains(s.name())
                    ? s
                    : new Source(
                        s.name(),
                        s.topic(),
                        s.kind(),
                        s.format(),
                        s.schema(),
                        s.eventId(),
                        s.eventTime(),
                        s.maxOutOfOrderness(),
                        s.maxAhead(),
                        s.dedupWindow(),
                        true,
                        s.contract(),
                        s.samples(),
                        s.batch()))
        .toList();
  }

  /** The project's own file first, then what it includes, each once. */
  private List<Section> documents() {
    List<Section> documents = new ArrayList<>();
    String root = files.root();
    try {
      add(root, files.read(root), documents);
    } catch (ProjectFiles.Refused e) {
      report.mistake(root, 0, "", e.reason, e.repair);
    }
    return documents;
  }

  private void add(String name, String text, List<Section> documents) {
    contents.put(name, text);
    MappingNode node = YamlFile.parse(name, text, report);
    Section document = node == null ? null : new Value(report, name, "", node).section();
    if (document == null) {
      return;
    }
    documents.add(document);
    Value include = document.take("include");
    for (Value value : include == null ? List.<Value>of() : include.list()) {
      if (contents.size() >= MOST_FILES) {
        value.mistake("is one file too many", "use at most " + MOST_FILES + " files");
        return;
      }
      String included = confined(value);
      if (included == null) {
        continue;
      }
      if (contents.containsKey(included)) {
        value.mistake(included + " is included already", "remove this one");
        continue;
      }
      String content = content(value);
      if (content != null) {
        add(included, content, documents);
      }
    }
  }

  private static @Nullable String confined(Value value) {
    String path = value.text();
    if (path == null) {
      return null;
    }
    try {
      return ProjectFiles.confined(path);
    } catch (ProjectFiles.Refused e) {
      value.mistake(e.reason, e.repair);
      return null;
    }
  }

  /** The content of the file that a value names; null where it cannot be had, and reported. */
  private @Nullable String content(Value value) {
    String name = confined(value);
    if (name == null) {
      return null;
    }
    String known = contents.get(name);
    if (known != null) {
      return known;
    }
    try {
      String content = files.read(name);
      contents.put(name, content);
      return content;
    } catch (ProjectFiles.Refused e) {
      value.mistake(e.reason, e.repair);
      return null;
    }
  }
}
