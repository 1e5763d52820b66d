package org.example;

import dev.millrace.core.plugin.ScalarProvider;
import dev.millrace.core.plugin.ScalarType;
import java.util.Collections;
import java.util.List;

/** {@code distance_km(lat, lon, lat, lon)}: between two places given in degrees, on a sphere. */
public final class DistanceKm implements ScalarProvider {

  private static final double EARTH_RADIUS_KM = 6371.0088;

  @Override
  public String name() {
    return "distance_km";
  }

  @Override
  public int version() {
    return 1;
  }

  @Override
  public List<ScalarType> parameters() {
    return Collections.nCopies(4, ScalarType.DOUBLE);
  }

  @Override
  public ScalarType type() {
    return ScalarType.DOUBLE;
  }

  @Override
  public Object call(List<Object> arguments) {
    double latitude = StrictMath.toRadians((double) arguments.get(0));
    double longitude = StrictMath.toRadians((double) arguments.get(1));
    double otherLatitude = StrictMath.toRadians((double) arguments.get(2));
    double otherLongitude = StrictMath.toRadians((double) arguments.get(3));
    double up = StrictMath.sin((otherLatitude - latitude) / 2);
    double along = StrictMath.sin((otherLongitude - longitude) / 2);
    double chord =
        up * up
            + StrictMath.cos(latitude) * StrictMath.cos(otherLatitude) * along * along;
    return 2 * EARTH_RADIUS_KM * StrictMath.asin(Math.min(1, StrictMath.sqrt(chord)));
  }
}
