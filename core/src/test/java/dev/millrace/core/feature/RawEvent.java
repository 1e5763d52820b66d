package dev.millrace.core.feature;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event by its fields' names; a field that is missing is null. */
record RawEvent(long timeMillis, int partition, long offset, Map<String, Object> fields) {

  /** The one condition of the tests. */
  static final String POSITIVE = "x > 0.0";

  @Nullable Object field(@Nullable String name) {
    return name == null ? null : fields.get(name);
  }

  /** As accumulators see it. */
  EventView view(List<Aggregations.Column> columns) {
    int numbers = (int) columns.stream().filter(Aggregations.Column::number).count();
    return new EventView() {
      @Override
      public long timeMillis() {
        return timeMillis;
      }

      @Override
      public int partition() {
        return partition;
      }

      @Override
      public long offset() {
        return offset;
      }

      @Override
      public double number(int column) {
        Aggregations.Column wanted = columns.get(column);
        if (!wanted.number()) {
          throw new IllegalArgumentException("Cannot read a number from " + wanted);
        }
        Object value = field(wanted.condition() == null ? wanted.field() : "x");
        if (!(value instanceof Number number)) {
          return Double.NaN;
        }
        return wanted.condition() == null ? number.doubleValue() : number.doubleValue() > 0 ? 1 : 0;
      }

      @Override
      public @Nullable Object object(int column) {
        Aggregations.Column wanted = columns.get(numbers + column);
        if (wanted.number()) {
          throw new IllegalArgumentException("Cannot read an object from " + wanted);
        }
        return field(wanted.field());
      }
    };
  }

  /** An event of one number column. */
  static EventView number(long time, int partition, long offset, double value) {
    return new One(time, partition, offset, value, null);
  }

  /** An event of one object column. */
  static EventView object(long time, int partition, long offset, @Nullable Object value) {
    return new One(time, partition, offset, Double.NaN, value);
  }

  private record One(
      long timeMillis, int partition, long offset, double value, @Nullable Object any)
      implements EventView {
    @Override
    public double number(int column) {
      return value;
    }

    @Override
    public @Nullable Object object(int column) {
      return any;
    }
  }
}
