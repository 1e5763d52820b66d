package dev.millrace.cli.explain;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.events.SampleRecords;
import dev.millrace.cli.look.FoundProject;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.feature.ErrorBounds;
import dev.millrace.core.feature.EventLoad;
import dev.millrace.core.feature.SupposedLoad;
import dev.millrace.core.feature.ViewCost;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says what each view of a project costs, by running its windows over a load in memory. */
@Command(
    name = "explain",
    description =
        "Says what each view costs: state a key, work an event, error bounds. It runs the windows"
            + " in memory over the sources' sample files, or over a supposed load.")
public final class ExplainCommand implements Callable<Integer> {

  private static final JsonMapper JSON = new JsonMapper();
  private static final int SAMPLE_EVENTS = 200_000;
  private static final double SUPPOSED_PACE = 100;
  private static final long SEED = 1;

  @Parameters(paramLabel = "DIR", description = "The project's folder.")
  private Path dir = Path.of("");

  @Option(
      names = "--events-per-key-per-day",
      paramLabel = "N",
      description =
          "Supposes N events of each key a day instead of reading sample files; without files it is"
              + " 100.")
  private @Nullable Double pace;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    if (pace != null && !(pace > 0 && pace <= 1e9)) {
      throw new UserMistake(
          "Cannot suppose "
              + pace
              + " events a key and day: it is not above 0 and at most 1e9; correct"
              + " --events-per-key-per-day");
    }
    Project project = FoundProject.inFolder(dir);
    List<Explained> all = new ArrayList<>();
    for (Source source : project.streams()) {
      explain(project, source, project.readersOf(source), all);
    }
    all.sort(Comparator.comparingInt(one -> project.featureViews().indexOf(one.view())));
    print(project, all);
    return Millrace.DONE;
  }

  private void explain(Project project, Source source, List<FeatureView> views, List<Explained> all)
      throws IOException {
    SampleRecords sample =
        pace != null || source.samples() == null
            ? new SampleRecords(List.of(), 0, true)
            : SampleRecords.read(folder(), project, source, SAMPLE_EVENTS);
    for (FeatureView view : views) {
      all.add(explained(source, view, sample));
    }
  }

  private Explained explained(Source source, FeatureView view, SampleRecords sample) {
    List<GenericRecord> records = sample.records();
    EventLoad load = new SampledLoad(source, view).of(records);
    boolean sampled = !load.entities().isEmpty();
    String note = "";
    if (sampled) {
      note = sample.all() ? "" : String.format(Locale.ROOT, "its first %,d", records.size());
    } else {
      load = SupposedLoad.of(view, source.schema(), pace == null ? SUPPOSED_PACE : pace, SEED);
      note =
          pace != null
              ? ""
              : (source.kind() == Source.Kind.VIEW
                      ? "it reads rows of view " + source.name()
                      : "no sample has events of it")
                  + "; --events-per-key-per-day sets the pace";
    }
    return new Explained(
        view,
        load,
        sampled ? source.samples() : null,
        note,
        ViewCost.of(view, source.dedupWindow(), load),
        ErrorBounds.of(view));
  }

  private Path folder() {
    Path whole = dir.toAbsolutePath();
    Path parent = whole.getParent();
    return Files.isRegularFile(whole) && parent != null ? parent : whole;
  }

  private void print(Project project, List<Explained> all) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode root = JSON.createObjectNode();
      root.put("project", project.name());
      ArrayNode views = root.putArray("views");
      all.forEach(one -> one.fill(views.addObject()));
      out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root));
    } else if (all.isEmpty()) {
      out.println("no feature views");
    } else {
      all.forEach(one -> one.print(out));
    }
    out.flush();
  }
}
