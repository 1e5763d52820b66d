package dev.millrace.core.catalog;

/** Names a version of a model. */
public record VersionPlace(String model, int version) {}
