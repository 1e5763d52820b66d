package dev.millrace.registry.search;

import java.util.ArrayList;
import java.util.List;

/** A filter or an order in words: names, quoted texts, numbers and signs. */
final class Tokens {

  /** What a word is. */
  enum Kind {
    /** As it stands: a name, a keyword, or a number. */
    WORD,
    /** In single quotes. */
    TEXT,
    /** In double quotes: a text, or a name with blanks. */
    DOUBLE_QUOTED,
    /** In back-ticks: a name. */
    BACK_TICKED,
    SIGN
  }

  record Token(Kind kind, String text) {}

  private static final String SIGNS = "=!<>(),.";

  private final String source;
  private int at;

  private Tokens(String source) {
    this.source = source;
  }

  static List<Token> of(String source) {
    Tokens tokens = new Tokens(source);
    List<Token> all = new ArrayList<>();
    while (tokens.skipBlanks()) {
      all.add(tokens.next());
    }
    return all;
  }

  private boolean skipBlanks() {
    while (at < source.length() && Character.isWhitespace(source.charAt(at))) {
      at++;
    }
    return at < source.length();
  }

  private Token next() {
    char c = source.charAt(at);
    return switch (c) {
      case '\'' -> quoted(Kind.TEXT, c);
      case '"' -> quoted(Kind.DOUBLE_QUOTED, c);
      case '`' -> quoted(Kind.BACK_TICKED, c);
      default -> SIGNS.indexOf(c) >= 0 && !number() ? sign() : word();
    };
  }

  /** Whether a number begins here, of which the dot is a part. */
  private boolean number() {
    return source.charAt(at) == '.'
        && at + 1 < source.length()
        && Character.isDigit(source.charAt(at + 1))
        && (at == 0 || !nameEndsBefore());
  }

  private boolean nameEndsBefore() {
    char before = source.charAt(at - 1);
    return Character.isLetterOrDigit(before) || before == '_' || before == '`' || before == '"';
  }

  private Token quoted(Kind kind, char quote) {
    int end = source.indexOf(quote, at + 1);
    if (end < 0) {
      throw new SearchException(
          "Invalid clause(s) in filter string: a quote " + quote + " is not closed");
    }
    String text = source.substring(at + 1, end);
    at = end + 1;
    return new Token(kind, text);
  }

  private Token sign() {
    if (at + 1 < source.length()
        && source.charAt(at + 1) == '='
        && "!<>".indexOf(source.charAt(at)) >= 0) {
      at += 2;
      return new Token(Kind.SIGN, source.substring(at - 2, at));
    }
    at++;
    return new Token(Kind.SIGN, source.substring(at - 1, at));
  }

  private Token word() {
    int from = at;
    boolean number = isNumberStart(source.charAt(from));
    while (at < source.length() && isWord(source.charAt(at), number)) {
      at++;
    }
    return new Token(Kind.WORD, source.substring(from, at));
  }

  private static boolean isNumberStart(char c) {
    return Character.isDigit(c) || c == '-' || c == '+' || c == '.';
  }

  private static boolean isWord(char c, boolean number) {
    return !Character.isWhitespace(c)
        && "'\"`".indexOf(c) < 0
        && (SIGNS.indexOf(c) < 0 || (number && c == '.'));
  }
}
