package dev.millrace.scoring;

/** Why a model cannot score here, before it is known which file it came from. */
final class UnreadableModelException extends Exception {
  private static final long serialVersionUID = 1L;

  UnreadableModelException(String why) {
    super(why);
  }

  String why() {
    return String.valueOf(getMessage());
  }
}
