package dev.millrace.core.feature;

import dev.millrace.core.definition.FeatureView;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A load where nothing but its pace is known: each entity's events are a Poisson process, numbers
 * are log-normal (whole where the field is), texts and whole numbers have twenty values, and
 * conditions hold half of the time. It lasts a tenth longer than the longest window, so that events
 * leave every window.
 */
public final class SupposedLoad {

  private static final double LONGER = 1.1;
  private static final int EVENTS_WANTED = 30_000;
  private static final int ENTITIES_MOST = 1_000;
  private static final int EVENTS_OF_ENTITY_MOST = 250_000;
  private static final double EVENTS_WITHOUT_WINDOW = 100;
  private static final int VALUES = 20;
  private static final int ID_BYTES = 36;
  private static final double LOG_MEAN = 3;
  private static final long DAY_MILLIS = Duration.ofDays(1).toMillis();
  private static final long FROM_MILLIS = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();

  /**
   * Some thirty thousand events; more where one entity alone has more, up to 250,000, and then the
   * load is shorter than the longest window.
   *
   * @param schema of the view's source
   */
  public static EventLoad of(
      FeatureView view, Schema schema, double eventsPerKeyPerDay, long seed) {
    if (!(eventsPerKeyPerDay > 0) || Double.isInfinite(eventsPerKeyPerDay)) {
      throw new IllegalArgumentException(
          "Cannot suppose " + eventsPerKeyPerDay + " events a key and day: it is not above 0");
    }
    double meanGapMillis = DAY_MILLIS / eventsPerKeyPerDay;
    long windowMillis = view.longestWindow().toMillis();
    double wantedMillis =
        windowMillis == 0 ? EVENTS_WITHOUT_WINDOW * meanGapMillis : windowMillis * LONGER;
    long spanMillis =
        (long) Math.ceil(Math.min(wantedMillis, EVENTS_OF_ENTITY_MOST * meanGapMillis));
    double eventsEach = spanMillis / meanGapMillis;
    long entities = Math.max(1, Math.min(ENTITIES_MOST, Math.round(EVENTS_WANTED / eventsEach)));
    SplittableRandom random = new SplittableRandom(seed);
    List<Aggregations.Column> columns = Aggregations.of(view).columns();
    int numbers = (int) columns.stream().filter(Aggregations.Column::number).count();
    List<EventLoad.OfEntity> all = new ArrayList<>();
    for (int e = 0; e < entities; e++) {
      List<Arrival> events = new ArrayList<>();
      long offset = random.nextInt(1_000);
      double at = gap(random, meanGapMillis);
      for (; at < spanMillis; at += gap(random, meanGapMillis)) {
        offset += 1 + random.nextInt(2 * (int) entities);
        events.add(
            new Arrival(
                FROM_MILLIS + (long) at, 0, offset, values(columns, schema, random), numbers));
      }
      if (!events.isEmpty()) {
        all.add(new EventLoad.OfEntity(String.format(Locale.ROOT, "key_%06d", e), events));
      }
    }
    return new EventLoad(all, ID_BYTES, FROM_MILLIS, FROM_MILLIS + spanMillis);
  }

  private static double gap(SplittableRandom random, double meanMillis) {
    return -Math.log1p(-random.nextDouble()) * meanMillis;
  }

  private static @Nullable Object[] values(
      List<Aggregations.Column> columns, Schema schema, SplittableRandom random) {
    @Nullable Object[] values = new Object[columns.size()];
    for (int c = 0; c < values.length; c++) {
      Aggregations.Column column = columns.get(c);
      values[c] =
          column.condition() != null
              ? (Object) (random.nextBoolean() ? 1.0 : 0.0)
              : value(type(schema, column.field()), column.number(), random);
    }
    return values;
  }

  private static Object value(Schema.Type type, boolean number, SplittableRandom random) {
    boolean whole = type == Schema.Type.INT || type == Schema.Type.LONG;
    if (number) {
      double value = Math.exp(LOG_MEAN + random.nextGaussian());
      return whole ? (double) Math.round(value) : value;
    }
    int value = random.nextInt(VALUES);
    return switch (type) {
      case INT, LONG -> (long) value;
      case FLOAT, DOUBLE -> Math.exp(LOG_MEAN + random.nextGaussian());
      case BOOLEAN -> value % 2 == 0;
      default -> String.format(Locale.ROOT, "value_%02d", value);
    };
  }

  /** A field's, or that of a union's first branch that is not null. */
  private static Schema.Type type(Schema schema, @Nullable String name) {
    Schema.Field field = schema.getField(name);
    if (field == null) {
      return Schema.Type.STRING;
    }
    Schema of = field.schema();
    return of.isUnion()
        ? of.getTypes().stream()
            .map(Schema::getType)
            .filter(t -> t != Schema.Type.NULL)
            .findFirst()
            .orElse(Schema.Type.NULL)
        : of.getType();
  }

  private SupposedLoad() {}
}
