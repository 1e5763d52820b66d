package dev.millrace.cli.validate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.Millrace;
import dev.millrace.core.definition.DefinitionException;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Mistake;
import dev.millrace.core.definition.Project;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says everything that is wrong in a project. */
@Command(
    name = "validate",
    description = "Checks a project: every mistake at once with its file and line, or ok.")
public final class ValidateCommand implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();

  @Parameters(paramLabel = "DIR", description = "The project's folder.")
  private Path dir = Path.of("");

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws JsonProcessingException {
    List<Mistake> mistakes = List.of();
    List<Mistake> unbuilt = List.of();
    try {
      Project project = Definitions.read(dir);
      unbuilt =
          project.unbuilt().stream()
              .map(u -> new Mistake(u.file(), u.line(), u.path(), u.reason(), ""))
              .toList();
    } catch (DefinitionException e) {
      mistakes = e.mistakes();
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode root = JSON.createObjectNode();
      root.put("ok", mistakes.isEmpty());
      fill(root.putArray("mistakes"), mistakes);
      fill(root.putArray("not_built"), unbuilt);
      out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root));
    } else if (mistakes.isEmpty()) {
      unbuilt.forEach(one -> out.println("note: apply will refuse " + one));
      out.println("ok");
    } else {
      mistakes.forEach(out::println);
    }
    out.flush();
    return mistakes.isEmpty() ? Millrace.DONE : Millrace.USER_MISTAKE;
  }

  private static void fill(ArrayNode list, List<Mistake> mistakes) {
    for (Mistake mistake : mistakes) {
      list.addObject()
          .put("file", mistake.file())
          .put("line", mistake.line())
          .put("path", mistake.path())
          .put("reason", mistake.reason())
          .put("repair", mistake.repair());
    }
  }
}
