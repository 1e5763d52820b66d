package dev.millrace.cli.local;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Whether a port is taken, and by whom where the system tells. */
final class PortOwner {
  private static final Path PROC = Path.of("/proc");

  private PortOwner() {}

  static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      // As the servers do: connections of a process that has just ended do not keep a port taken.
      socket.setReuseAddress(true);
      socket.bind(StackPorts.loopback(port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** The process that listens on a port, as a person reads it. */
  static Optional<String> find(int port) {
    try {
      Set<String> inodes = new HashSet<>();
      for (String table : List.of("net/tcp", "net/tcp6")) {
        Path file = PROC.resolve(table);
        if (Files.isReadable(file)) {
          inodes.addAll(listeningInodes(Files.readAllLines(file), port));
        }
      }
      return inodes.isEmpty() ? Optional.empty() : holder(inodes);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The sockets of a table in the form of {@code /proc/net/tcp} that listen on a port. */
  static Set<String> listeningInodes(List<String> table, int port) {
    String suffix = String.format(Locale.ROOT, ":%04X", port);
    Set<String> inodes = new HashSet<>();
    for (String line : table) {
      List<String> fields = List.of(line.trim().split("\\s+", -1));
      if (fields.size() > 9
          && fields.get(1).endsWith(suffix)
          // 0A is LISTEN.
          && fields.get(3).equals("0A")) {
        inodes.add(fields.get(9));
      }
    }
    return inodes;
  }

  private static Optional<String> holder(Set<String> inodes) {
    return ProcessHandle.allProcesses()
        .filter(process -> holds(process.pid(), inodes))
        .map(
            process ->
                "process "
                    + process.pid()
                    + process.info().command().map(command -> " (" + command + ")").orElse(""))
        .findFirst();
  }

  private static boolean holds(long pid, Set<String> inodes) {
    try (Stream<Path> files = Files.list(PROC.resolve(pid + "/fd"))) {
      return files.anyMatch(
          file -> {
            try {
              String link = Files.readSymbolicLink(file).toString();
              return link.startsWith("socket:[")
                  && inodes.contains(link.substring(8, link.length() - 1));
            } catch (IOException e) {
              // The process has closed it meanwhile.
              return false;
            }
          });
    } catch (IOException e) {
      // Another user's process: its files are not ours to see.
      return false;
    }
  }
}
