package dev.millrace.client;

import java.nio.file.Path;

/**
 * A file that came whole.
 *
 * @param sha256 of its bytes, in hex
 * @param verified whether the registry said the same before it sent them; it does not of files that
 *     were put into its folder by hand
 */
public record Download(Path file, long bytes, String sha256, boolean verified) {}
