package dev.millrace.registry.access;

/** Nobody knows who asks; the message is for the client and has no part of its token. */
public final class UnauthenticatedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  UnauthenticatedException(String message) {
    super(message);
  }
}
