package dev.millrace.drift;

/** What a version was for an event; the names on the wire. */
enum Role {
  CHAMPION('C'),
  CANARY('A'),
  FALLBACK('F'),
  SHADOW('S');

  private final char code;

  Role(char code) {
    this.code = code;
  }

  /** A byte that stands for it between operators and in state. */
  int code() {
    return code;
  }

  static Role of(byte code) {
    return switch (code) {
      case 'C' -> CHAMPION;
      case 'A' -> CANARY;
      case 'F' -> FALLBACK;
      case 'S' -> SHADOW;
      default -> throw new IllegalArgumentException("Cannot read role " + code);
    };
  }
}
