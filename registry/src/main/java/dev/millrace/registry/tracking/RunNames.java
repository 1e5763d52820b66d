package dev.millrace.registry.tracking;

import java.util.List;

/** Names for runs that got none: of two words and a number, the same for the same run. */
final class RunNames {

  private static final List<String> HOW =
      List.of(
          "amber", "brisk", "calm", "clear", "deft", "early", "fair", "gentle", "hardy", "keen",
          "lively", "mellow", "nimble", "patient", "quiet", "rapid", "sober", "steady", "tidy",
          "upright", "vivid", "warm", "wry", "young");
  private static final List<String> WHAT =
      List.of(
          "alder", "badger", "carp", "dipper", "eel", "finch", "gull", "heron", "ibis", "jay",
          "kestrel", "lark", "mill", "newt", "otter", "perch", "quail", "reed", "sluice", "tern",
          "vole", "weir", "wheel", "willow");
  private static final int NUMBERS = 1_000;

  static String of(String id) {
    // The hash of a text is the same everywhere.
    int seed = id.hashCode();
    return HOW.get(Math.floorMod(seed, HOW.size()))
        + "-"
        + WHAT.get(Math.floorMod(seed / HOW.size(), WHAT.size()))
        + "-"
        + Math.floorMod(seed / (HOW.size() * WHAT.size()), NUMBERS);
  }

  private RunNames() {}
}
