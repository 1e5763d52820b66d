package dev.millrace.scoring;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a model's file says of its format; ONNX Runtime does not tell it.
 *
 * @param opsets version by domain; the empty domain is ai.onnx
 */
record ModelHeader(long irVersion, Map<String, Long> opsets) {

  // Fields of ModelProto and of OperatorSetIdProto in onnx.proto3.
  private static final int IR_VERSION = 1;
  private static final int GRAPH = 7;
  private static final int OPSET_IMPORT = 8;
  private static final int DOMAIN = 1;
  private static final int VERSION = 2;

  static ModelHeader read(byte[] file) throws UnreadableModelException {
    try {
      return parse(CodedInputStream.newInstance(file));
    } catch (InvalidProtocolBufferException e) {
      throw new UnreadableModelException(
          "its %d bytes are no ONNX model, or are cut off (%s)"
              .formatted(file.length, e.getMessage()));
    } catch (IOException e) {
      throw new IllegalStateException("Cannot read bytes in memory", e);
    }
  }

  private static ModelHeader parse(CodedInputStream in)
      throws IOException, UnreadableModelException {
    long irVersion = 0;
    boolean hasGraph = false;
    Map<String, Long> opsets = new TreeMap<>();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int field = WireFormat.getTagFieldNumber(tag);
      if (field == IR_VERSION) {
        irVersion = in.readInt64();
      } else if (field == OPSET_IMPORT) {
        addOpset(CodedInputStream.newInstance(in.readByteArray()), opsets);
      } else {
        hasGraph |= field == GRAPH;
        in.skipField(tag);
      }
    }
    if (!hasGraph || irVersion == 0) {
      throw new UnreadableModelException("it is no ONNX model: it has no graph or no version");
    }
    return new ModelHeader(irVersion, opsets);
  }

  private static void addOpset(CodedInputStream in, Map<String, Long> opsets) throws IOException {
    String domain = "";
    long version = 0;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case DOMAIN -> domain = in.readString();
        case VERSION -> version = in.readInt64();
        default -> in.skipField(tag);
      }
    }
    opsets.put(domain, version);
  }

  /** Such as {@code IR 8, opset ai.onnx 15}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("IR ").append(irVersion);
    opsets.forEach(
        (domain, version) ->
            text.append(", opset ")
                .append(domain.isEmpty() ? "ai.onnx" : domain)
                .append(' ')
                .append(version));
    return text.toString();
  }
}
