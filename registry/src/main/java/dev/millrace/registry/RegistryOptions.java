package dev.millrace.registry;

import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the registry's process is told when it starts.
 *
 * @param listening where it answers
 * @param tokens the file of those who may do something; null where everybody may do everything
 * @param state the folder of its stores: what is in it can be made again from Kafka
 * @param scoring address of the service that scores on request; null where there is none
 */
record RegistryOptions(
    Target target, Listening listening, @Nullable Path tokens, Path state, @Nullable URI scoring) {

  private static final String HOST = "127.0.0.1";
  private static final int PORT = 8090;
  private static final int PORT_MAX = 65_535;

  /**
   * Reads the arguments of {@link RegistryOption}.
   *
   * @throws IllegalArgumentException naming every mistake
   * @throws IOException where the target cannot be read
   */
  static RegistryOptions of(String[] arguments, Map<String, String> environment)
      throws IOException {
    List<String> problems = new ArrayList<>();
    Map<RegistryOption, String> given = given(arguments, problems);
    if (!problems.isEmpty()) {
      throw mistakes(problems);
    }
    String targetFile = given.get(RegistryOption.TARGET);
    Target target =
        targetFile == null ? Target.fromEnvironment(environment) : Target.read(Path.of(targetFile));
    String tokens = given.get(RegistryOption.TOKENS);
    URI scoring =
        Optional.ofNullable(given.get(RegistryOption.SCORING))
            .flatMap(text -> url(text, problems))
            .orElse(null);
    Keystore keystore = keystore(given, environment, problems);
    Listening listening = listening(given, target, keystore, problems);
    refuseOpenDoors(given, listening, problems);
    if (!problems.isEmpty()) {
      throw mistakes(problems);
    }
    return new RegistryOptions(
        target,
        listening,
        tokens == null ? null : Path.of(tokens),
        Path.of(
            given.getOrDefault(
                RegistryOption.STATE,
                Path.of(System.getProperty("java.io.tmpdir"), "millrace-registry").toString())),
        scoring);
  }

  private static IllegalArgumentException mistakes(List<String> problems) {
    return new IllegalArgumentException(
        problems.size() == 1
            ? problems.get(0)
            : "Cannot start the registry:\n  " + String.join("\n  ", problems));
  }

  private static Map<RegistryOption, String> given(String[] arguments, List<String> problems) {
    Map<RegistryOption, String> given = new EnumMap<>(RegistryOption.class);
    for (int i = 0; i < arguments.length; i++) {
      RegistryOption option = RegistryOption.of(arguments[i]).orElse(null);
      if (option == null) {
        problems.add("Cannot use " + arguments[i] + ": known are " + RegistryOption.known());
        return given;
      }
      String value = "";
      if (option.takesValue()) {
        i++;
        if (i == arguments.length) {
          problems.add("Cannot use " + option.argument() + ": its value is missing");
          return given;
        }
        value = arguments[i];
      }
      given.put(option, value);
    }
    return given;
  }

  private static @Nullable Keystore keystore(
      Map<RegistryOption, String> given, Map<String, String> environment, List<String> problems) {
    String file = given.get(RegistryOption.KEYSTORE);
    String password = given.get(RegistryOption.KEYSTORE_PASSWORD);
    if (file == null) {
      if (password != null) {
        problems.add("Cannot use --keystore-password without --keystore: name the file");
      }
      return null;
    }
    try {
      return Keystore.open(Path.of(file), password == null ? "" : password, environment);
    } catch (IOException e) {
      problems.add(String.valueOf(e.getMessage()));
      return null;
    }
  }

  private static Listening listening(
      Map<RegistryOption, String> given,
      Target target,
      @Nullable Keystore keystore,
      List<String> problems) {
    String listen = given.get(RegistryOption.LISTEN);
    if (listen != null) {
      int colon = listen.lastIndexOf(':');
      String port = listen.substring(colon + 1);
      if (colon > 0 && port.matches("\\d{1,5}") && Integer.parseInt(port) <= PORT_MAX) {
        return new Listening(listen.substring(0, colon), Integer.parseInt(port), keystore);
      }
      problems.add("Cannot listen on " + listen + ": write HOST:PORT, for example 0.0.0.0:8090");
      return new Listening(HOST, PORT, keystore);
    }
    RegistryTarget registry = target.registry();
    URI address = URI.create(registry == null ? "http://" + HOST + ":" + PORT : registry.url());
    Listening listening =
        new Listening(
            address.getHost() == null ? HOST : address.getHost(),
            address.getPort() < 0 ? PORT : address.getPort(),
            keystore);
    if (!given.containsKey(RegistryOption.KEYSTORE)
        && !listening.scheme().equals(address.getScheme())) {
      problems.add(
          "Cannot answer on "
              + address
              + " without a key: give --keystore, or --listen HOST:PORT where somebody in front of"
              + " it does TLS");
    }
    if (given.containsKey(RegistryOption.KEYSTORE) && "http".equals(address.getScheme())) {
      problems.add(
          "Cannot use --keystore on "
              + address
              + ": clients go by this address of the target; write https there, or --listen");
    }
    return listening;
  }

  /** Nobody opens the registry to a network without having said so. */
  private static void refuseOpenDoors(
      Map<RegistryOption, String> given, Listening listening, List<String> problems) {
    try {
      if (Listening.isLoopback(listening.host())) {
        return;
      }
    } catch (UnknownHostException e) {
      problems.add(
          "Cannot listen on " + listening.host() + ": nobody knows this host; correct --listen");
      return;
    }
    if (!given.containsKey(RegistryOption.TOKENS)) {
      if (!given.containsKey(RegistryOption.ALLOW_ANONYMOUS)) {
        problems.add(
            "Cannot listen on "
                + listening.host()
                + " without tokens: everybody who reaches it could do everything; give --tokens"
                + " FILE (./millrace tokens add makes one), listen on 127.0.0.1, or say"
                + " --allow-anonymous");
      }
    } else if (!given.containsKey(RegistryOption.KEYSTORE)
        && !given.containsKey(RegistryOption.ALLOW_PLAIN_HTTP)) {
      problems.add(
          "Cannot listen on "
              + listening.host()
              + " without TLS: tokens could be read on their way; give --keystore FILE, listen on"
              + " 127.0.0.1, or say --allow-plain-http where somebody in front of it does TLS");
    }
  }

  /** An address to which paths are appended. */
  private static Optional<URI> url(String text, List<String> problems) {
    String bare = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    try {
      URI url = URI.create(bare);
      if ("http".equals(url.getScheme()) && url.getHost() != null) {
        return Optional.of(url);
      }
    } catch (IllegalArgumentException e) {
      // Said below.
    }
    problems.add("Cannot use --scoring " + text + ": write an address like http://127.0.0.1:8091");
    return Optional.empty();
  }
}
