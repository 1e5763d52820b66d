package dev.millrace.core.drift;

import java.util.Locale;

/**
 * How the windows of a season are told apart: a window is compared with the reference windows of
 * its own slot. Slots go by the hour, UTC, at which a window begins.
 */
public enum SlotScheme {
  HOUR_OF_WEEK(7 * 24, 7),
  HOUR_OF_DAY_BY_WORKDAY(2 * 24, 7),
  HOUR_OF_DAY(24, 1),
  ONE(1, 0);

  private static final long HOUR_MILLIS = 3_600_000;
  private static final long DAY_MILLIS = 24 * HOUR_MILLIS;
  private static final int HOURS = 24;
  private static final int DAYS = 7;
  private static final int SATURDAY = 5;
  private static final String[] DAY_NAMES = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

  /** The day of the week, from Monday, of the first day of 1970: a Thursday. */
  private static final int EPOCH_DAY = 3;

  private final int slots;
  private final int seasonDays;

  SlotScheme(int slots, int seasonDays) {
    this.slots = slots;
    this.seasonDays = seasonDays;
  }

  /** How many slots the scheme has; with windows of several hours some never occur. */
  public int slots() {
    return slots;
  }

  /** The season after which the scheme's slots come again. */
  long seasonMillis() {
    return seasonDays * DAY_MILLIS;
  }

  /** The slot of the window that begins at a time. */
  public int slot(long windowStartMillis) {
    int hour = (int) (Math.floorMod(windowStartMillis, DAY_MILLIS) / HOUR_MILLIS);
    int day = Math.floorMod(Math.floorDiv(windowStartMillis, DAY_MILLIS) + EPOCH_DAY, DAYS);
    return switch (this) {
      case HOUR_OF_WEEK -> day * HOURS + hour;
      case HOUR_OF_DAY_BY_WORKDAY -> (day < SATURDAY ? 0 : HOURS) + hour;
      case HOUR_OF_DAY -> hour;
      case ONE -> 0;
    };
  }

  /** A slot's name, as on the records: {@code mon-13, workday-13, weekend-13, 13, all}. */
  public String slotName(int slot) {
    String hour = String.format(Locale.ROOT, "%02d", slot % HOURS);
    return switch (this) {
      case HOUR_OF_WEEK -> DAY_NAMES[slot / HOURS] + "-" + hour;
      case HOUR_OF_DAY_BY_WORKDAY -> (slot < HOURS ? "workday-" : "weekend-") + hour;
      case HOUR_OF_DAY -> hour;
      case ONE -> "all";
    };
  }

  /** The scheme's name in a definition id. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
