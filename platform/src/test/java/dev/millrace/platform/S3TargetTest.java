package dev.millrace.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class S3TargetTest {

  private final TargetFile file;

  S3TargetTest(@TempDir Path folder) {
    file = TargetFile.in(folder);
  }

  @Test
  void whatMlflowsClientsUploadMayLieElsewhere() throws IOException {
    assertThat(file.read("").mlflowPlace()).isEqualTo("file:///a/mlflow");
    Target target =
        file.read(
            """
            mlflow_artifacts: s3://models/all
            s3:
              endpoint: http://minio:9000
              region: eu-central-1
              access_key: ${env:KEY}
              secret_key: ${env:SECRET}
            """);
    assertThat(target.mlflowPlace()).isEqualTo("s3://models/all");
    assertThat(target.artifacts()).isEqualTo("file:///a/");
    S3Target s3 =
        new S3Target(
            "http://minio:9000", "eu-central-1", true, "${env:KEY}", "${env:SECRET}", null);
    assertThat(target.s3()).isEqualTo(s3);
    assertThat(s3.resolved(Map.of("KEY", "me", "SECRET", "hidden")))
        .isEqualTo(new S3Target("http://minio:9000", "eu-central-1", true, "me", "hidden", null))
        .hasToString("http://minio:9000");
    assertThatThrownBy(() -> s3.resolved(Map.of("KEY", "me")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("SECRET");
    assertThatThrownBy(
            () ->
                new S3Target("${env:URL}", null, true, null, null, null)
                    .resolved(Map.of("URL", "minio:9000")))
        .hasMessageContaining("s3.endpoint is no address");
    target.write(file.path());
    assertThat(Target.read(file.path())).isEqualTo(target);
    assertThat(Files.readString(file.path())).contains("${env:SECRET}");
    assertThat(target.toString()).doesNotContain("SECRET");
  }

  @Test
  void theBucketStandsInTheHostsNameAtAmazonAlone() throws IOException {
    String place = "mlflow_artifacts: s3://models\n";
    assertThat(file.read(place + "s3: {region: eu-central-1}").s3())
        .isEqualTo(new S3Target(null, "eu-central-1", false, null, null, null));
    assertThat(
            file.read(place + "s3: {endpoint: \"https://s3.example.org\", path_style: false}").s3())
        .isEqualTo(new S3Target("https://s3.example.org", null, false, null, null, null));
  }

  @Test
  void mistakesAreNamedAndTheKeysAreNot() {
    String place = "mlflow_artifacts: s3://models\n";
    assertThatThrownBy(
            () ->
                file.read(
                    place
                        + "s3: {secret_key: hidden, colour: red, path_style: maybe, endpoint:"
                        + " \"minio:9000\"}"))
        .hasMessageContainingAll(
            "s3.colour: unknown key",
            "s3.path_style: is 'maybe'",
            "s3.endpoint: is no address",
            "one of access_key and secret_key is missing")
        .hasMessageNotContaining("hidden");
    assertThatThrownBy(() -> file.read(place + "s3: http://minio:9000"))
        .hasMessageContaining("s3: is no map");
    assertThatThrownBy(() -> file.read("s3: {endpoint: \"http://minio:9000\"}"))
        .hasMessageContaining("s3: nothing of this target is there");
  }
}
