package dev.millrace.registry.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenFileTest {

  private static final String DIGEST = "ab".repeat(32);

  private final Path file;

  TokenFileTest(@TempDir Path folder) {
    file = folder.resolve("tokens.yaml");
  }

  private List<AccessToken> read(String text) throws IOException {
    Files.writeString(file, text);
    return TokenFile.read(file);
  }

  @Test
  void aFileAsPeopleWriteIt() throws IOException {
    List<AccessToken> tokens =
        read(
            """
            # Who may do what.
            tokens:
              - name: trainer
                sha256: %s
                role: contributor
                projects: [flights, fraud]
                expires: 2030-01-31T00:00:00+01:00
              - {name: ops@example.org, sha256: "%s", role: admin, projects: "*"}
            """
                .formatted(DIGEST, "cd".repeat(32)));
    assertThat(tokens)
        .containsExactly(
            new AccessToken(
                "trainer",
                DIGEST,
                Role.CONTRIBUTOR,
                Projects.of(List.of("flights", "fraud")),
                Instant.parse("2030-01-30T23:00:00Z")),
            new AccessToken(
                "ops@example.org", "cd".repeat(32), Role.ADMIN, Projects.of(List.of("*")), null));
  }

  @Test
  void allMistakesComeAtOnceAndNoDigestIsShown() {
    assertThatThrownBy(
            () ->
                read(
                    """
                    tokens:
                      - {name: a, sha256: %1$s, role: reader, projects: [p]}
                      - {name: a, sha256: %1$s, role: reader, projects: [p]}
                      - {name: "b c", sha256: ABCDEF, role: god, projects: [P], expires: soon, colour: red}
                      - nothing
                      - {}
                    """
                        .formatted(DIGEST)))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(
            "name a: is there twice",
            "sha256 of a: another token has the same",
            "tokens[2].name: is 'b c'",
            "tokens[2].sha256: is not 64 hex digits",
            "tokens[2].role: is 'god'; write one of reader, contributor, promoter, admin",
            "tokens[2].projects: 'P' is no project's name",
            "tokens[2].expires: is 'soon'",
            "tokens[2].colour: unknown key",
            "tokens[3]: is no map",
            "tokens[4].name: required, not set",
            "tokens[4].projects: required, not set")
        .hasMessageNotContaining(DIGEST)
        .hasMessageNotContaining("ABCDEF");
  }

  @Test
  void whatIsNoFileOfTokens() {
    for (String text : List.of("", "tokens: []", "tokens: 1", "a: b", "tokens: [", "- x")) {
      assertThatThrownBy(() -> read(text)).as(text).hasMessageContaining("Cannot use tokens file");
    }
    assertThatThrownBy(() -> TokenFile.read(file.resolveSibling("none")))
        .hasMessageContaining("./millrace tokens add");
  }

  @Test
  void aFileThatAnybodyMayWriteIsNone() throws IOException {
    TokenFile.add(file, token("a"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    assertThatThrownBy(() -> TokenFile.read(file)).hasMessageContaining("make themselves admin");
  }

  private static AccessToken token(String name) {
    return new AccessToken(
        name, AccessToken.sha256(name), Role.PROMOTER, Projects.of(List.of("p", "q")), null);
  }

  @Test
  void whatIsAddedIsReadAndWhatStoodThereStays() throws IOException {
    TokenFile.add(file, token("a"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    Files.writeString(file, "# By hand.\n" + Files.readString(file).stripTrailing());
    AccessToken ending =
        new AccessToken(
            "b",
            DIGEST,
            Role.ADMIN,
            Projects.of(List.of("*")),
            Instant.parse("2031-01-01T00:00:00Z"));
    TokenFile.add(file, ending);
    assertThat(TokenFile.read(file)).containsExactly(token("a"), ending);
    assertThat(Files.readString(file)).startsWith("# By hand.\n");
    String before = Files.readString(file);
    assertThatThrownBy(() -> TokenFile.add(file, token("a")))
        .hasMessageContaining("is there twice");
    assertThat(Files.readString(file)).isEqualTo(before);
    try (var all = Files.list(file.getParent())) {
      assertThat(all).containsExactly(file);
    }
  }

  @Test
  void tokensAreRandomAndTold() {
    SecureRandom random = new SecureRandom();
    Set<String> all = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      String secret = AccessToken.secret(random);
      assertThat(secret).matches("mrt_[A-Za-z0-9_-]{43}");
      all.add(secret);
    }
    assertThat(all).hasSize(1_000);
    // sha256sum says so too.
    assertThat(AccessToken.sha256("abc"))
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  @Test
  void rolesGrow() {
    assertThat(Role.all()).isEqualTo("reader, contributor, promoter, admin");
    assertThat(Role.ADMIN.includes(Role.PROMOTER)).isTrue();
    assertThat(Role.CONTRIBUTOR.includes(Role.PROMOTER)).isFalse();
    assertThat(Role.of("Admin")).isEmpty();
  }
}
