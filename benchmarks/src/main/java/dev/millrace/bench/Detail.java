package dev.millrace.bench;

/** What was measured along the way and has no goal. */
public record Detail(String name, double value, String unit) {}
