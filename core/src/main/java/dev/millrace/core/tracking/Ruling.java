package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Refusal;
import dev.millrace.core.catalog.Refusal.Code;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingEntry.Event;
import dev.millrace.core.tracking.TrackingEntry.Kind;
import java.util.Optional;

/** What all rules have in common: one event for a command, or a refusal, and once only. */
final class Ruling {

  /** What becomes of a command that is allowed. */
  record Outcome(Event type, ObjectNode details) {}

  /** The rules themselves. */
  @FunctionalInterface
  interface Rules {
    /**
     * @throws Refusal where it is not allowed
     */
    Outcome outcome(Command command, ObjectNode details);
  }

  static Optional<TrackingEntry> decide(
      Tally tally, TrackingEntry command, long nowMillis, Rules rules) {
    if (command.kind() != Kind.COMMAND || tally.answered(command.idempotencyKey())) {
      return Optional.empty();
    }
    Outcome outcome;
    try {
      int length = command.details().length() + command.actor().length();
      if (length > TrackingLimits.COMMAND_TEXT_MAX) {
        throw TrackingLimits.invalid(
            "its texts have "
                + length
                + " characters, at most "
                + TrackingLimits.COMMAND_TEXT_MAX
                + " are kept");
      }
      outcome =
          rules.outcome(Command.valueOf(command.type()), LifecycleJson.details(command.details()));
    } catch (Refusal e) {
      outcome = refused(command, e.code(), e.reason());
    } catch (IllegalArgumentException e) {
      outcome = refused(command, Code.INVALID_PARAMETER_VALUE, String.valueOf(e.getMessage()));
    }
    outcome.details.put(Tally.SEQUENCE, tally.sequence() + 1);
    return Optional.of(
        new TrackingEntry(
            command.subject(),
            Kind.EVENT,
            outcome.type.name(),
            TrackingLimits.shortened(command.actor()),
            nowMillis,
            command.idempotencyKey(),
            outcome.details.toString()));
  }

  private static Outcome refused(TrackingEntry command, Code code, String reason) {
    return new Outcome(
        Event.REFUSED,
        Details.object()
            .put("command", TrackingLimits.shortened(command.type()))
            .put("code", code.name())
            .put("reason", TrackingLimits.shortened(reason)));
  }

  static IllegalArgumentException notOf(Command command, String what) {
    return new IllegalArgumentException(command + " is no command about " + what);
  }

  private Ruling() {}
}
