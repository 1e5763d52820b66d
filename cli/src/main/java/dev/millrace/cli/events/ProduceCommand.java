package dev.millrace.cli.events;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.cli.GlobalOptions;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.look.FoundProject;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code produce}: files into one source, or into all sources of a project by event time. */
@Command(
    name = "produce",
    description = {
      "Plays CSV, JSON lines or Parquet into one source, or the sample files of all sources of a"
          + " project as one stream in the order of event time.",
      "Columns are the schema's fields by name; a missing one is computed where the schema's field"
          + " has an attribute 'sample' (CEL over the file's columns), else it takes the schema's"
          + " default."
    },
    customSynopsis = {
      "millrace produce SOURCE --project DIR --file F [--rate N] [--speed X]",
      "millrace produce --all DIR [--speed X] [--from T] [--to T]"
    },
    sortOptions = false)
public final class ProduceCommand implements Callable<Integer> {

  private static final int BAD_ROWS_SHOWN = 100;

  @Mixin private GlobalOptions global = new GlobalOptions();

  @Parameters(
      paramLabel = "SOURCE",
      arity = "0..1",
      description = "The source that --file is played into.")
  private @Nullable String source;

  @Option(
      names = "--all",
      paramLabel = "DIR",
      description = "Plays all sources of this project from their sample files.")
  private @Nullable Path all;

  @Option(
      names = "--project",
      paramLabel = "P",
      description = "The project's folder, or the name of an applied project.")
  private @Nullable String project;

  @Option(
      names = "--file",
      paramLabel = "F",
      description = "A CSV, JSON-lines or Parquet file; CSV and JSON lines may end with .gz.")
  private @Nullable Path file;

  @Option(names = "--rate", paramLabel = "N", description = "So many events a second.")
  private @Nullable Double rate;

  @Option(
      names = "--speed",
      paramLabel = "X",
      description =
          "By event time, X times as fast as real time; max (the default) is as fast as possible.")
  private @Nullable String speed;

  @Option(
      names = "--from",
      paramLabel = "T",
      description = "No events before this event time (ISO-8601 or epoch milliseconds).")
  private @Nullable String from;

  @Option(
      names = "--to",
      paramLabel = "T",
      description = "No events at this event time and after it.")
  private @Nullable String to;

  @Option(names = "--max-events", paramLabel = "N", description = "At most so many events.")
  private long eventsMax = Long.MAX_VALUE;

  @Option(names = "--json", description = "Prints the summary as one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws Exception {
    PrintWriter err = spec.commandLine().getErr();
    refuseMixedOptions();
    Pace pace = pace();
    EventReplay.Selection selection =
        new EventReplay.Selection(
            new TimeSpan(
                timeMillis("--from", from, Long.MIN_VALUE), timeMillis("--to", to, Long.MAX_VALUE)),
            eventsMax);
    Target target;
    Project definition;
    List<Source> sources;
    SubjectRegistry registry;
    if (all != null) {
      definition = FoundProject.inFolder(all);
      target = global.target();
      registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      sources = EventReplay.playable(definition);
    } else {
      String named = project == null ? "." : project;
      target = global.target();
      registry = new ConfluentSubjectRegistry(target.schemaRegistry());
      definition = FoundProject.named(named, target, registry);
      sources = List.of(source(definition));
    }
    BadRows badRows = new BadRows(err);
    ReplaySummary summary;
    try (EventReplay replay = EventReplay.open(target, registry, definition, sources)) {
      ProgressLine line = new ProgressLine(replay.progress(), err);
      line.start();
      try {
        EventReplay.Listener nobody = (name, id, timeMillis, dueNanos) -> {};
        summary =
            all != null
                ? replay.playAll(folder(all), selection, pace, nobody, badRows::add)
                : replay.playFile(
                    sources.get(0).name(),
                    file == null ? Path.of("") : file,
                    selection,
                    pace,
                    speed != null && rate == null && !pace.isUnlimited(),
                    nobody,
                    badRows::add);
      } finally {
        line.close();
      }
    }
    print(summary);
    return summary.badRows() > 0 ? Millrace.FAILED : Millrace.DONE;
  }

  private void refuseMixedOptions() {
    if (all == null && (source == null || file == null)) {
      throw new UserMistake(
          "Cannot produce: name a SOURCE with --project and --file, or a project with --all DIR");
    }
    if (all != null && (source != null || file != null || project != null)) {
      throw new UserMistake(
          "Cannot produce: --all plays every source from its sample files; leave out SOURCE,"
              + " --file and --project");
    }
    if (rate != null && (speed != null || all != null)) {
      throw new UserMistake(
          "Cannot produce: --rate goes in the order of one file, --speed and --all by event time;"
              + " leave one of them out");
    }
    if (eventsMax < 0) {
      throw new UserMistake("Cannot produce " + eventsMax + " events: give --max-events above 0");
    }
  }

  private Pace pace() {
    try {
      if (rate != null) {
        return Pace.byRate(rate);
      }
      if (speed == null || speed.equals("max")) {
        return Pace.unlimited();
      }
      String number = speed.endsWith("x") ? speed.substring(0, speed.length() - 1) : speed;
      return Pace.bySpeed(Double.parseDouble(number));
    } catch (NumberFormatException e) {
      throw new UserMistake(
          "Cannot play with --speed " + speed + ": it is no number; say 60, or max", e);
    } catch (IllegalArgumentException e) {
      throw new UserMistake(e.getMessage() + "; correct the option", e);
    }
  }

  private static long timeMillis(String option, @Nullable String text, long otherwise) {
    if (text == null) {
      return otherwise;
    }
    try {
      return EventTime.parseMillis(text);
    } catch (UnfitValueException e) {
      throw new UserMistake("Cannot take " + option + " " + text + ": " + e.getMessage(), e);
    }
  }

  private Source source(Project definition) {
    definition
        .source(String.valueOf(source))
        .map(Source::batch)
        .ifPresent(
            batch -> {
              throw new UserMistake(
                  "Cannot produce into source "
                      + source
                      + ": its rows are read where they are, at "
                      + batch.place()
                      + ", every "
                      + batch.every()
                      + "; add them there");
            });
    return definition
        .source(String.valueOf(source))
        .filter(s -> s.kind() == Source.Kind.KAFKA)
        .orElseThrow(
            () ->
                new UserMistake(
                    "Cannot produce into source "
                        + source
                        + ": project "
                        + definition.name()
                        + " has "
                        + EventReplay.playable(definition).stream().map(Source::name).toList()
                        + "; name one of them"));
  }

  private static Path folder(Path folderOrFile) {
    Path absolute = folderOrFile.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    return absolute.toFile().isFile() && parent != null ? parent : absolute;
  }

  private void print(ReplaySummary summary) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode object = new JsonMapper().createObjectNode();
      object.put("events", summary.events());
      ObjectNode bySource = object.putObject("by_source");
      new TreeMap<>(summary.bySource()).forEach(bySource::put);
      object.put("bad_rows", summary.badRows());
      object.put("first_event_time", summary.firstTimeMillis());
      object.put("last_event_time", summary.lastTimeMillis());
      object.put("seconds", summary.seconds());
      object.put("events_per_second", summary.eventsPerSecond());
      object.put("behind_max_millis", summary.behindMaxMillis());
      out.println(object);
    } else {
      out.printf(
          Locale.ROOT,
          "%,d events (%s) in %.1f s, %,.0f a second; event time %s to %s; %,d bad rows%n",
          summary.events(),
          sources(summary),
          summary.seconds(),
          summary.eventsPerSecond(),
          time(summary.firstTimeMillis()),
          time(summary.lastTimeMillis()),
          summary.badRows());
    }
    out.flush();
  }

  private static String sources(ReplaySummary summary) {
    StringBuilder text = new StringBuilder();
    new TreeMap<>(summary.bySource())
        .forEach(
            (name, count) ->
                text.append(text.length() == 0 ? "" : ", ")
                    .append(String.format(Locale.ROOT, "%s %,d", name, count)));
    return text.length() == 0 ? "none" : text.toString();
  }

  static String time(@Nullable Long millis) {
    return millis == null ? "-" : Instant.ofEpochMilli(millis).toString();
  }

  /** Tells of bad rows, not without end: a wrong column spoils every row. */
  private static final class BadRows {
    private final PrintWriter err;
    private long seen;

    BadRows(PrintWriter err) {
      this.err = err;
    }

    void add(BadRow row) {
      seen++;
      if (seen <= BAD_ROWS_SHOWN) {
        err.println(row);
      } else if (seen == BAD_ROWS_SHOWN + 1) {
        err.println("… more bad rows follow; they are counted, not shown");
      }
      err.flush();
    }
  }
}
