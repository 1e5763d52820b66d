package dev.millrace.cli.apply;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.platform.Installation;
import dev.millrace.platform.PinnedViews;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code plan DIR}: what {@code apply} would change; changes nothing itself. */
@Command(name = "plan", description = "Says what differs between the project and what is applied.")
public final class PlanCommand implements Callable<Integer> {

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Parameters(paramLabel = "DIR", description = "The project's folder, or its millrace.yaml.")
  private Path dir = Path.of("");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    ProjectFolder folder = ProjectFolder.read(dir);
    folder.refuseUnbuilt();
    Target target = global.target();
    SubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    Installation.Plan plan =
        ApplyCommand.plan(
            new Installation(target, registry),
            folder,
            PinnedViews.read(target, registry, folder.project()));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode object = new JsonMapper().createObjectNode();
      object.put("project", folder.project().name());
      object.put("applied", plan.previous() != null);
      object.putArray("kept");
      object.putArray("released");
      plan.changes().forEach(object.putArray("changes")::add);
      plan.changedViews().forEach(object.putArray("changed_views")::add);
      plan.begun().forEach(object.putArray("new_definitions")::add);
      plan.kept().forEach(k -> object.withArray("kept").add(k.view() + "@" + k.identity().id()));
      plan.released()
          .forEach(k -> object.withArray("released").add(k.view() + "@" + k.identity().id()));
      plan.newTopics().forEach(object.putArray("new_topics")::add);
      out.println(object);
    } else if (plan.changes().isEmpty()) {
      out.println("project " + folder.project().name() + ": nothing to change");
    } else {
      plan.changes().forEach(out::println);
    }
    out.flush();
    return Millrace.DONE;
  }
}
