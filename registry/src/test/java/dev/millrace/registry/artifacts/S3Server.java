package dev.millrace.registry.artifacts;

import dev.millrace.platform.S3Target;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.gaul.s3proxy.AuthenticationType;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobApiMetadata;
import org.jclouds.ContextBuilder;
import org.jclouds.blobstore.BlobStoreContext;

/** A store of others, on this machine: it checks signatures, and keeps objects as files. */
final class S3Server implements AutoCloseable {

  static final String BUCKET = "models";
  static final String ACCESS_KEY = "millrace-test";
  static final String SECRET_KEY = "hidden-of-the-test";

  private final BlobStoreContext files;
  private final S3Proxy proxy;
  private final Path folder;

  S3Server(Path folder) throws Exception {
    this.folder = folder;
    Files.createDirectories(folder.resolve(BUCKET));
    Properties settings = new Properties();
    settings.setProperty("jclouds.filesystem.basedir", folder.toString());
    files =
        ContextBuilder.newBuilder(new FilesystemNio2BlobApiMetadata())
            .credentials("nobody", "nothing")
            .overrides(settings)
            .buildView(BlobStoreContext.class);
    proxy =
        S3Proxy.builder()
            .blobStore(files.getBlobStore())
            .endpoint(URI.create("http://127.0.0.1:0"))
            .awsAuthentication(AuthenticationType.AWS_V4, ACCESS_KEY, SECRET_KEY)
            .build();
    proxy.start();
  }

  S3Target target() {
    return new S3Target(address().toString(), null, true, ACCESS_KEY, SECRET_KEY, null);
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + proxy.getPort());
  }

  /** Where the objects of the bucket are. */
  Path objects() {
    return folder.resolve(BUCKET);
  }

  void stop() throws Exception {
    proxy.stop();
  }

  @Override
  public void close() throws IOException {
    try {
      proxy.stop();
    } catch (Exception e) {
      throw new IOException(e);
    }
    files.close();
  }
}
