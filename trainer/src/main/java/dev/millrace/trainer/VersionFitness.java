package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.lifecycle.VersionInputs;
import dev.millrace.scoring.ComputeDevice;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.ModelRefusedException;
import dev.millrace.scoring.ModelTrial;
import dev.millrace.scoring.OnnxModel;
import dev.millrace.scoring.ParityCheck;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a file that was made elsewhere can serve a model at all: it loads in a JVM of its own
 * first, takes the inputs of the definition, and scores. What inference would refuse when it is
 * deployed is found here.
 */
final class VersionFitness {

  private final Model model;
  private final Path file;

  VersionFitness(Model model, Path file) {
    this.model = model;
    this.file = file;
  }

  /** A file that cannot serve; the message says why. */
  static final class UnfitException extends Exception {
    private static final long serialVersionUID = 1L;

    UnfitException(String why) {
      super(why);
    }

    String why() {
      return String.valueOf(getMessage());
    }
  }

  /** Loads it; whoever asks closes it. */
  OnnxModel load(String sha256) throws IOException, UnfitException {
    List<InputColumn> signature = signature(model);
    OnnxModel loaded;
    try {
      // Its maker is unknown: what it does to a JVM it does to one of its own.
      ModelTrial.run(
          file, sha256, signature, model.execution().maxRows(), ModelTrial.Limits.SERVING);
      loaded = OnnxModel.load(file, sha256, signature, ComputeDevice.CPU);
    } catch (ModelRefusedException e) {
      throw new UnfitException(withoutFile(String.valueOf(e.getMessage())) + "; " + defined());
    }
    boolean fit = false;
    try {
      String why = inputFlaw(loaded);
      if (why == null) {
        why = loaded.flaw();
      }
      if (why != null) {
        throw new UnfitException(why);
      }
      fit = true;
      return loaded;
    } catch (IllegalStateException e) {
      throw new UnfitException("it does not run: " + e.getMessage());
    } finally {
      if (!fit) {
        loaded.close();
      }
    }
  }

  /**
   * Compares its scores with those of a plain run.
   *
   * @param rows values in the order of the signature
   */
  void requireParity(OnnxModel loaded, double[][] rows) throws IOException, UnfitException {
    String flaw = ParityCheck.flaw(file, loaded, rows);
    if (flaw != null) {
      throw new UnfitException("its scores depend on how it is run: " + flaw);
    }
  }

  static List<InputColumn> signature(Model model) {
    return model.inputs().stream()
        .map(
            input ->
                switch (input.kind()) {
                  case NUMBER -> new InputColumn(input.name(), 1);
                  case VECTOR -> InputColumn.vector(input.name());
                  case TEXT -> InputColumn.text(input.name());
                })
        .toList();
  }

  private @Nullable String inputFlaw(OnnxModel loaded) {
    List<String> has = loaded.inputNames();
    List<String> wanted = model.inputs().stream().map(Input::name).toList();
    return has.isEmpty() ? null : VersionInputs.difference(has, wanted);
  }

  private String defined() {
    List<String> names = model.inputs().stream().map(Input::name).toList();
    return "the inputs of %s are %d: %s"
        .formatted(model.name(), names.size(), String.join(", ", names));
  }

  /** The file is a copy under a name that nobody knows. */
  private String withoutFile(String message) {
    return message.replace("Cannot load model " + file, "Cannot load it").replace(file + "", "it");
  }
}
