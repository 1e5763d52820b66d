package dev.millrace.inference;

import java.io.IOException;
import java.io.Serializable;
import java.util.List;

/** The topic {@code models.deployments}, read to the end it has now. */
interface DeploymentLog extends Serializable {

  /** Every entry about a model, in order. */
  List<DeploymentRecord> read(String model) throws IOException;
}
