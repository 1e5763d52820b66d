package dev.millrace.cli.tokens;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.PointInTime;
import dev.millrace.cli.UserMistake;
import dev.millrace.registry.access.AccessToken;
import dev.millrace.registry.access.Projects;
import dev.millrace.registry.access.Role;
import dev.millrace.registry.access.TokenFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tokens}: who may do what in the registry. */
@Command(
    name = "tokens",
    description = "Tokens for the registry.",
    subcommands = TokensCommand.AddCommand.class)
public final class TokensCommand implements Callable<Integer> {

  @Mixin GlobalOptions global = new GlobalOptions();

  @Override
  public Integer call() {
    throw new UserMistake("Cannot run tokens: name add; see --help");
  }

  /** {@code tokens add NAME --role R --project P}. */
  @Command(
      name = "add",
      description =
          "Makes a token and shows it once; the file has its digest alone. A registry that runs"
              + " takes it with its next request.")
  static final class AddCommand implements Callable<Integer> {

    @Mixin GlobalOptions global = new GlobalOptions();

    @Parameters(index = "0", paramLabel = "NAME", description = "Stands in the journal as actor.")
    private String name = "";

    @Option(
        names = "--role",
        required = true,
        paramLabel = "ROLE",
        description = "reader, contributor, promoter or admin.")
    private String role = "";

    @Option(
        names = "--project",
        required = true,
        paramLabel = "PROJECT",
        description = "Whose models and experiments may be changed; once for each, or '*' for all.")
    private List<String> projects = new ArrayList<>();

    @Option(
        names = "--expires",
        paramLabel = "TIME",
        description = "From when on it counts no more; never if left out.")
    private @Nullable String expires;

    @Option(
        names = "--file",
        paramLabel = "FILE",
        description = "The registry's file of tokens, where it is added; else its lines are shown.")
    private @Nullable Path file;

    @Option(names = "--json", description = "Prints one JSON object.")
    private boolean json;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
      Role given =
          Role.of(role)
              .orElseThrow(
                  () ->
                      new UserMistake(
                          "Cannot make a token with role "
                              + role
                              + ": write one of "
                              + Role.all()));
      List<String> mistakes = TokenFile.mistakes(name, projects);
      if (!mistakes.isEmpty()) {
        throw new UserMistake(
            "Cannot make a token for " + name + ":\n  " + String.join("\n  ", mistakes));
      }
      Instant until = PointInTime.parse("--expires", expires);
      String secret = AccessToken.secret(new SecureRandom());
      AccessToken token =
          new AccessToken(name, AccessToken.sha256(secret), given, Projects.of(projects), until);
      if (file != null) {
        try {
          TokenFile.add(file, token);
        } catch (IOException e) {
          throw new CommandFailed("Cannot add a token to " + file + ": " + e.getMessage(), e);
        }
      }
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        ObjectNode told = new JsonMapper().createObjectNode();
        told.put("name", name).put("token", secret).put("sha256", token.sha256());
        out.println(told);
      } else {
        out.println(secret);
        if (file == null) {
          spec.commandLine().getErr().println("Put this below tokens: of the registry's file:");
          spec.commandLine().getErr().print(TokenFile.entry(token));
          spec.commandLine().getErr().flush();
        }
      }
      out.flush();
      return Millrace.DONE;
    }
  }
}
