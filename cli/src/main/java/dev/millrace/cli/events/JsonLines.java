package dev.millrace.cli.events;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One JSON object a line; blank lines are passed over. */
final class JsonLines implements SampleReader {

  private static final TypeReference<Map<String, @Nullable Object>> OBJECT =
      new TypeReference<>() {};

  private final JsonMapper mapper =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private final BufferedReader lines;
  private long line;

  JsonLines(Reader text) {
    lines = new BufferedReader(text, 1 << 16);
  }

  @Override
  public @Nullable SampleRow next() throws IOException {
    for (String text = lines.readLine(); text != null; text = lines.readLine()) {
      line++;
      if (text.isBlank()) {
        continue;
      }
      try {
        Map<String, @Nullable Object> values = mapper.readValue(text, OBJECT);
        return values == null
            ? SampleRow.broken(line, "it is no JSON object")
            : new SampleRow(line, values, null);
      } catch (JsonProcessingException e) {
        return SampleRow.broken(line, "it is no JSON object: " + e.getOriginalMessage());
      }
    }
    return null;
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }
}
