package dev.millrace.registry.search;

import dev.millrace.registry.search.Fields.Field;
import dev.millrace.registry.search.Tokens.Kind;
import dev.millrace.registry.search.Tokens.Token;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Which value is meant: {@code name}, {@code tags.key}, {@code metrics.`a b`}. */
final class Names {

  static Field field(Supplier<@Nullable Token> peek, Supplier<Token> next, Fields fields) {
    Token first = next.get();
    if (first.kind() == Kind.SIGN || first.kind() == Kind.TEXT) {
      throw new SearchException(
          "Invalid clause(s) in filter string: '" + first.text() + "' is no name of a value");
    }
    if (!dot(peek.get())) {
      return fields.field("", first.text());
    }
    Token unusedDot = next.get();
    StringBuilder key = new StringBuilder();
    Token part = next.get();
    key.append(part.text());
    // A key that nobody quoted may have dots of its own.
    while (part.kind() == Kind.WORD && dot(peek.get())) {
      key.append(next.get().text());
      part = next.get();
      key.append(part.text());
    }
    return fields.field(first.text(), key.toString());
  }

  private static boolean dot(@Nullable Token token) {
    return token != null && token.kind() == Kind.SIGN && token.text().equals(".");
  }

  private Names() {}
}
