package dev.millrace.core.definition;

import static dev.millrace.core.definition.Projects.mistakes;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MistakesTest {

  @Test
  void allOfThemComeAtOnceWithTheirLines() throws Exception {
    List<String> expected = Files.readAllLines(DefinitionsTest.resource("mistakes/expected.txt"));

    assertThat(mistakes(DefinitionsTest.resource("mistakes"))).containsExactlyElementsOf(expected);
    assertThat(expected).hasSizeGreaterThan(30);
  }

  @Test
  void aFolderWithoutAProjectIsSaid(@TempDir Path folder) {
    assertThat(mistakes(folder))
        .containsExactly(
            "millrace.yaml:0: (file): there is no file "
                + folder.resolve("millrace.yaml")
                + "; create it or correct its name");
  }

  @Test
  void brokenYamlIsSaidWithItsLine() {
    assertThat(mistakes(Map.of("millrace.yaml", "project: a\nsources: [\n  - b: {\n")))
        .singleElement()
        .asString()
        .startsWith("millrace.yaml:3: (file): is no YAML: ");
    assertThat(mistakes(Map.of("millrace.yaml", "")))
        .containsExactly("millrace.yaml:1: (file): holds no keys; start it with project: NAME");
    assertThat(mistakes(Map.of("millrace.yaml", "project: a\n---\nproject: b\n")))
        .singleElement()
        .asString()
        .contains("holds a second document");
  }

  @Test
  void whatATextMayAskForIsBounded() {
    assertThat(mistakes(Map.of("millrace.yaml", "project: " + "[".repeat(100_000))))
        .singleElement()
        .asString()
        .contains("is nested deeper than 50 levels");
    String bomb = "a: &a [x]\nb: [" + "*a, ".repeat(300) + "*a]\n";
    assertThat(mistakes(Map.of("millrace.yaml", bomb)))
        .singleElement()
        .asString()
        .contains("has more than 200 aliases");
    assertThat(mistakes(Map.of("millrace.yaml", "#".repeat((1 << 20) + 1))))
        .singleElement()
        .asString()
        .contains("is larger than 1 MiB");
    assertThat(mistakes(Map.of("millrace.yaml", "project: a\nsources: &s [*s]\n"))).isNotEmpty();
  }

  @Test
  void nothingOutsideOfTheFolderCanBeNamed(@TempDir Path folder) throws IOException {
    Path project = Files.createDirectory(folder.resolve("project"));
    Files.writeString(folder.resolve("secret.yaml"), "project: secret\n");
    Files.createSymbolicLink(project.resolve("link.yaml"), folder.resolve("secret.yaml"));
    Files.writeString(
        project.resolve("millrace.yaml"),
        "project: a\ninclude: [../secret.yaml, /etc/passwd, link.yaml, a/../b.yaml, none.yaml]\n");

    assertThat(mistakes(project))
        .containsExactly(
            "millrace.yaml:2: include[0]: '../secret.yaml' does not lie in the project's folder;"
                + " name a file by its path below that folder",
            "millrace.yaml:2: include[1]: '/etc/passwd' does not lie in the project's folder; name"
                + " a file by its path below that folder",
            "millrace.yaml:2: include[2]: 'link.yaml' is a link out of the project's folder; put"
                + " the file itself there",
            "millrace.yaml:2: include[3]: 'a/../b.yaml' does not lie in the project's folder; name"
                + " a file by its path below that folder",
            "millrace.yaml:2: include[4]: there is no file none.yaml; create it or correct its"
                + " name");
    assertThat(Definitions.files(project)).containsOnlyKeys("millrace.yaml");
  }

  @Test
  void filesMayNotIncludeEachOther() {
    Map<String, String> files = new HashMap<>(Projects.small());
    files.put("millrace.yaml", files.get("millrace.yaml") + "include: [./b.yaml]\n");
    files.put("b.yaml", "include: millrace.yaml\nproject: other\n");

    assertThat(mistakes(files))
        .satisfiesExactly(
            first ->
                assertThat(first)
                    .startsWith("b.yaml:1: include: millrace.yaml is included already"),
            second -> assertThat(second).startsWith("b.yaml:2: project: unknown key"));
  }

  @Test
  void schemasAreJudgedToo() {
    Map<String, String> files = new HashMap<>(Projects.small());
    files.put("event.avsc", "{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"]}");
    assertThat(mistakes(files))
        .containsExactly(
            "millrace.yaml:4: sources[0].schema: event.avsc is no record but enum; name a record");
    files.put("event.avsc", "{\"type\": \"record\", \"name\": \"E\"}");
    assertThat(mistakes(files))
        .singleElement()
        .asString()
        .startsWith("millrace.yaml:4: sources[0].schema: event.avsc is no Avro schema: ");
  }

  @Test
  void aFeatureMayNotHideAColumnOfItsLog() {
    assertThat(
            mistakes(
                Projects.small(
                    "{function: count, windows: [10d]}",
                    "{function: last, column: flag, name: shop}")))
        .containsExactly(
            "millrace.yaml:14: feature-views[0].aggregations[0]: feature shop has the name of"
                + " another column of the view's log; choose another with name:");
  }

  @Test
  void aKeyIsNoRealNumber() {
    assertThat(mistakes(Projects.small("keys: [shop]", "keys: [amount]")))
        .first()
        .asString()
        .isEqualTo(
            "millrace.yaml:11: feature-views[0].entity: field amount is float and cannot be a key;"
                + " use a string, int, long, boolean or enum");
  }
}
