/** The world of the fraud example: cards, merchants, and who cheats them, always the same. */
@NullMarked
package dev.millrace.cli.fraud;

import org.jspecify.annotations.NullMarked;
