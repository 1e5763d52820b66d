package dev.millrace.e2e;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The direction of the rooms, for what Maven's modules alone do not keep. */
class ArchitectureTest {

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .importPaths(
              Stream.of(
                      "schemas",
                      "core",
                      "scoring",
                      "platform",
                      "streaming",
                      "jobs/feature-pipeline",
                      "jobs/inference",
                      "jobs/drift-detector",
                      "jobs/retrain-trigger",
                      "client",
                      "registry",
                      "trainer",
                      "cli")
                  .map(m -> Path.of("..").resolve(m).resolve("target/classes"))
                  .filter(Files::isDirectory)
                  .toList());

  @Test
  void coreIsFreeOfEngines() {
    noClasses()
        .that()
        .resideInAPackage("dev.millrace.core..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.apache.flink..", "org.apache.kafka..", "org.apache.iceberg..", "redis..")
        .because("core is the engine-free heart: what it decides is tested without a cluster")
        .check(CLASSES);
  }

  @Test
  void jobsMeetAtTopicsOnly() {
    List<String> jobs =
        List.of(
            "dev.millrace.pipeline..",
            "dev.millrace.inference..",
            "dev.millrace.drift..",
            "dev.millrace.retrain..");
    for (String job : jobs) {
      noClasses()
          .that()
          .resideInAPackage(job)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              jobs.stream().filter(other -> !other.equals(job)).toArray(String[]::new))
          .because("jobs meet at topics, through schemas, never by import")
          .allowEmptyShould(true)
          .check(CLASSES);
    }
  }

  @Test
  void onlySchemasSeesConfluentsClient() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.millrace.schemas..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.flink.avro..")
        .because("its Avro is relocated: schemas cross that line as text")
        .check(CLASSES);
  }

  @Test
  void trainerCommandsAndPlatformNeverSeeFlinksRuntime() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.millrace.trainer..",
            "dev.millrace.cli..",
            "dev.millrace.registry..",
            "dev.millrace.platform..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.apache.flink.api..", "org.apache.flink.streaming..", "org.apache.flink.runtime..")
        .because("they run where there is no Flink")
        .check(CLASSES);
  }

  @Test
  void onlyScoringLoadsOnnxRuntime() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.millrace.scoring..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("ai.onnxruntime..")
        .because("native code has one room")
        .check(CLASSES);
  }

  @Test
  void inJobsOnlyScoringOnRequestOpensAPort() {
    noClasses()
        .that()
        .resideInAPackage("dev.millrace.inference..")
        .and()
        .doNotHaveFullyQualifiedName("dev.millrace.inference.ScoringApi")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.javalin..", "org.eclipse.jetty..")
        .because("the job's jar has no HTTP server; only the scoring service's class path has")
        .check(CLASSES);
  }

  @Test
  void theClientIsSmall() {
    classes()
        .that()
        .resideInAPackage("dev.millrace.client..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "dev.millrace.client..", "java..", "com.fasterxml.jackson..", "org.jspecify..")
        .because("it goes into other people's programs, with Jackson and nothing else")
        .check(CLASSES);
  }

  @Test
  void classesAreNamedForWhatTheyAre() {
    for (String name : List.of("Manager", "Helper", "Util", "Utils", "Processor")) {
      noClasses()
          .should()
          .haveSimpleNameEndingWith(name)
          .because("such a name says nothing of what the class is")
          .check(CLASSES);
    }
  }
}
