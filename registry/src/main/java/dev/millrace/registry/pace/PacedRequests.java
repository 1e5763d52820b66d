package dev.millrace.registry.pace;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.io.IOException;
import java.util.EnumSet;
import org.eclipse.jetty.servlet.FilterHolder;
import org.eclipse.jetty.servlet.ServletContextHandler;

/** Reads every request's body at the pace that a client has to keep. */
public final class PacedRequests implements Filter {

  private PacedRequests() {}

  /** Before everything that the handler answers. */
  public static void addTo(ServletContextHandler handler) {
    FilterHolder holder = new FilterHolder(new PacedRequests());
    holder.setAsyncSupported(true);
    handler.addFilter(holder, "/*", EnumSet.of(DispatcherType.REQUEST));
  }

  @Override
  public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    chain.doFilter(
        request instanceof HttpServletRequest http ? new Paced(http) : request, response);
  }

  private static final class Paced extends HttpServletRequestWrapper {
    private PacedBody body;

    @SuppressWarnings("NullAway.Init") // Made when it is asked for.
    Paced(HttpServletRequest request) {
      super(request);
    }

    @Override
    public ServletInputStream getInputStream() throws IOException {
      if (body == null) {
        body = new PacedBody(super.getInputStream(), System::nanoTime);
      }
      return body;
    }
  }
}
