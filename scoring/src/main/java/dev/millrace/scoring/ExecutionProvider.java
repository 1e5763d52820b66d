package dev.millrace.scoring;

/** What computes a model. */
public enum ExecutionProvider {
  CPU,
  CUDA,
  TENSORRT
}
