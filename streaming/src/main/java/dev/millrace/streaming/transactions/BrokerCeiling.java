package dev.millrace.streaming.transactions;

import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The longest timeout of a transaction that the brokers take. */
public final class BrokerCeiling {

  private static final Logger LOG = LoggerFactory.getLogger(BrokerCeiling.class);

  private static final String KEY = "transaction.max.timeout.ms";

  /** What a broker has where nobody set it. */
  private static final Duration BROKERS_DEFAULT = Duration.ofMinutes(15);

  /** The lowest of all brokers', because any of them may keep the transactions of an id. */
  public static Duration of(Target target) {
    try (Admin admin = Topics.admin(target)) {
      List<ConfigResource> brokers =
          admin.describeCluster().nodes().get().stream()
              .map(node -> new ConfigResource(ConfigResource.Type.BROKER, node.idString()))
              .toList();
      return admin.describeConfigs(brokers).all().get().values().stream()
          .map(BrokerCeiling::ceiling)
          .min(Duration::compareTo)
          .orElse(BROKERS_DEFAULT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Cannot ask the brokers for " + KEY + ": interrupted", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof AuthorizationException) {
        LOG.warn(
            "{}: not allowed to read the brokers' settings ({}); taking their default, {}",
            KEY,
            e.getCause().getMessage(),
            TransactionTimeout.text(BROKERS_DEFAULT));
        return BROKERS_DEFAULT;
      }
      throw new IllegalStateException(
          "Cannot ask the brokers at " + target.kafka() + " for " + KEY + ": " + e.getCause(), e);
    }
  }

  private static Duration ceiling(Config broker) {
    ConfigEntry entry = broker.get(KEY);
    return entry == null || entry.value() == null
        ? BROKERS_DEFAULT
        : Duration.ofMillis(Long.parseLong(entry.value()));
  }

  private BrokerCeiling() {}
}
