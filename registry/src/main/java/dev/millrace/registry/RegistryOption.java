package dev.millrace.registry;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** An argument of the registry's process. The table in docs/registry.md is made of these. */
enum RegistryOption {
  TARGET("--target", "FILE", "names the stack's services; else MILLRACE_TARGET does"),
  STATE("--state", "DIR", "the folder of its stores, which can be made again from Kafka"),
  SCORING(
      "--scoring", "URL", "the process that scores on request; without it such requests are 503"),
  LISTEN(
      "--listen",
      "HOST:PORT",
      "where it listens; else on the address of `registry:` in the target"),
  TOKENS("--tokens", "FILE", "who may do what; without it everybody may do everything"),
  KEYSTORE("--keystore", "FILE", "PKCS12 file with the key and certificates for HTTPS"),
  KEYSTORE_PASSWORD(
      "--keystore-password", "TEXT", "its password; write `${env:NAME}` or `${file:/PATH}`"),
  ALLOW_ANONYMOUS(
      "--allow-anonymous",
      "",
      "listens on other addresses than loopback without tokens: whoever comes there may do everything"),
  ALLOW_PLAIN_HTTP(
      "--allow-plain-http",
      "",
      "listens there with tokens and without TLS, which somebody in front of it has to do");

  private final String argument;
  private final String value;
  private final String meaning;

  RegistryOption(String argument, String value, String meaning) {
    this.argument = argument;
    this.value = value;
    this.meaning = meaning;
  }

  static Optional<RegistryOption> of(String argument) {
    return Arrays.stream(values()).filter(o -> o.argument.equals(argument)).findFirst();
  }

  boolean takesValue() {
    return !value.isEmpty();
  }

  String argument() {
    return argument;
  }

  /** As it is written: {@code --state DIR}. */
  String form() {
    return takesValue() ? argument + ' ' + value : argument;
  }

  static String known() {
    return Arrays.stream(values()).map(RegistryOption::form).collect(Collectors.joining(", "));
  }

  /** A line of the table for people. */
  String documented() {
    return "| `" + form() + "` | " + meaning + " |";
  }
}
