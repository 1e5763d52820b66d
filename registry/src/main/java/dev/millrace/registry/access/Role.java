package dev.millrace.registry.access;

import io.javalin.security.RouteRole;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What one may do; each may do all that those before it may. */
public enum Role implements RouteRole {
  /** Sees everything, and asks for scores. */
  READER,
  /** Registers models and versions, logs runs, tags. */
  CONTRIBUTOR,
  /** Says which version is the one to use. */
  PROMOTER,
  /** Deletes, and says what belongs to which project. */
  ADMIN;

  public boolean includes(Role other) {
    return compareTo(other) >= 0;
  }

  /** Its name as people write it. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The role of that name. */
  public static Optional<Role> of(String text) {
    return Arrays.stream(values()).filter(role -> role.text().equals(text)).findFirst();
  }

  /** All names. */
  public static String all() {
    return Arrays.stream(values()).map(Role::text).collect(Collectors.joining(", "));
  }
}
