package dev.millrace.core.model;

/**
 * A version of a model that a deployment names.
 *
 * @param uri of the ONNX artifact
 * @param sha256 of its bytes, in hex
 */
public record DeployedVersion(int version, String uri, String sha256) {}
