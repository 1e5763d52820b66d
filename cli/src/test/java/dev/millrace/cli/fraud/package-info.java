@NullMarked
package dev.millrace.cli.fraud;

import org.jspecify.annotations.NullMarked;
