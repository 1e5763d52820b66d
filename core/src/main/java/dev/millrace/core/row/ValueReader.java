package dev.millrace.core.row;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.millrace.core.definition.Feature.ValueType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads values back from the text that {@link ValueText} gives them. */
public final class ValueReader {

  private static final JsonFactory JSON = new JsonFactory();

  /**
   * The value that a text stands for.
   *
   * @return a Long, Double, String, Boolean, a List of these or of further lists and maps, or a map
   *     of them by its keys
   * @throws IllegalArgumentException if the text is none of that type
   */
  public static Object read(String text, ValueType type) {
    return switch (type.kind()) {
      case LONG -> Long.valueOf(text);
      case DOUBLE -> Double.valueOf(text);
      case BOOLEAN -> truth(text);
      case STRING -> text;
      case LIST, MAP -> json(text, type);
    };
  }

  private static boolean truth(String text) {
    if (text.equals("true") || text.equals("false")) {
      return text.equals("true");
    }
    throw new IllegalArgumentException("Cannot read '" + text + "' as true or false");
  }

  private static Object json(String text, ValueType type) {
    try (JsonParser parser = JSON.createParser(text)) {
      parser.nextToken();
      Object value = value(parser, type);
      if (parser.nextToken() != null) {
        throw unfit(parser, type);
      }
      return value;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "Cannot read '" + text + "' as " + type + ": " + e.getMessage(), e);
    }
  }

  private static Object value(JsonParser parser, ValueType type) throws IOException {
    JsonToken token = parser.currentToken();
    boolean fits =
        token != null
            && switch (type.kind()) {
              case LONG -> token == JsonToken.VALUE_NUMBER_INT;
              // Infinity has no number in JSON and is written as a string.
              case DOUBLE -> token.isNumeric() || token == JsonToken.VALUE_STRING;
              case STRING -> token == JsonToken.VALUE_STRING;
              case BOOLEAN -> token.isBoolean();
              case LIST -> token == JsonToken.START_ARRAY;
              case MAP -> token == JsonToken.START_OBJECT;
            };
    if (!fits) {
      throw unfit(parser, type);
    }
    return switch (type.kind()) {
      case LONG -> parser.getLongValue();
      case DOUBLE -> Double.valueOf(parser.getText());
      case STRING -> parser.getText();
      case BOOLEAN -> parser.getBooleanValue();
      case LIST -> {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser, type.elementType()));
        }
        yield list;
      }
      case MAP -> {
        SortedMap<String, Object> map = new TreeMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String key = parser.currentName();
          parser.nextToken();
          map.put(key, value(parser, type.elementType()));
        }
        yield map;
      }
    };
  }

  private static IllegalArgumentException unfit(JsonParser parser, ValueType type) {
    return new IllegalArgumentException(
        "Cannot read a value as "
            + type
            + ": found "
            + parser.currentToken()
            + " at character "
            + parser.currentLocation().getCharOffset());
  }

  private ValueReader() {}
}
