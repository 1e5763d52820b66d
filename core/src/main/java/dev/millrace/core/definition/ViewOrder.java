package dev.millrace.core.definition;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** In which order views are read: each after the one whose rows it takes. */
final class ViewOrder {

  private final Map<String, Section> byName = new LinkedHashMap<>();
  private final Map<String, Scope.SourceDraft> sources;
  private final List<Section> order = new ArrayList<>();
  private final Set<Section> placed = new HashSet<>();
  private final Set<Section> unreadable = new HashSet<>();

  /** Reports circles, and names that a source and a view share. */
  ViewOrder(List<Section> views, Map<String, Scope.SourceDraft> sources) {
    this.sources = sources;
    for (Section view : views) {
      String name = text(view.take("name"));
      if (name != null) {
        byName.putIfAbsent(name, view);
      }
    }
    views.forEach(this::place);
  }

  Set<String> names() {
    return byName.keySet();
  }

  List<Section> sections() {
    return order;
  }

  /** Whether what a view reads is unknown, and reported. */
  boolean isUnreadable(Section view) {
    return unreadable.contains(view);
  }

  private void place(Section view) {
    List<Section> chain = new ArrayList<>();
    Section at = view;
    while (at != null && !placed.contains(at)) {
      if (chain.contains(at)) {
        circle(chain.subList(chain.indexOf(at), chain.size()));
        break;
      }
      chain.add(at);
      at = upstream(at);
    }
    Collections.reverse(chain);
    order.addAll(chain);
    placed.addAll(chain);
  }

  private @Nullable Section upstream(Section view) {
    Value source = view.take("source");
    String name = text(source);
    Section upstream = name == null ? null : byName.get(name);
    if (source != null && upstream != null && sources.containsKey(name)) {
      source.mistake(
          "there are a source and a feature view of the name " + name,
          "give one of them another name");
      unreadable.add(view);
      return null;
    }
    return upstream;
  }

  private void circle(List<Section> members) {
    unreadable.addAll(members);
    Section first = members.get(0);
    Value source = first.take("source");
    if (source != null) {
      String path =
          members.stream().map(m -> text(m.take("name"))).collect(Collectors.joining(" reads "));
      source.mistake(
          "views go in a circle: " + path + " reads " + text(first.take("name")),
          "let one of them read a source");
    }
  }

  private static @Nullable String text(@Nullable Value value) {
    return value == null ? null : value.text();
  }
}
