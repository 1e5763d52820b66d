package dev.millrace.inference;

import dev.millrace.platform.DefinitionsLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows {@code models.deployments} and {@code millrace.definitions}, so that what is applied or
 * promoted counts for the next request. Where the broker is away, what was read stands.
 */
final class DecisionFollower implements Runnable, AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(DecisionFollower.class);

  /** The broker answers as soon as there is something. */
  private static final int BROKER_WAIT_MILLIS = 5_000;

  private static final Duration POLL = Duration.ofSeconds(5);

  /** While a topic is not there yet. */
  private static final Duration POLL_MISSING = Duration.ofSeconds(1);

  private static final long PAUSE_SECONDS = 2;
  private static final List<String> TOPICS = List.of(Topics.DEFINITIONS, Topics.DEPLOYMENTS);

  private final Target target;
  private final OnRequestModels models;
  private final AppliedModels applied = new AppliedModels();
  private final DefinitionsLog definitions;
  private final CountDownLatch stopped = new CountDownLatch(1);

  DecisionFollower(Target target, OnRequestModels models) {
    this.target = target;
    this.models = models;
    this.definitions =
        new DefinitionsLog(target, new ConfluentSubjectRegistry(target.schemaRegistry()));
  }

  @Override
  public void run() {
    try {
      while (stopped.getCount() > 0) {
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(settings())) {
          new Following(consumer).follow();
        } catch (IOException | RuntimeException e) {
          LOG.warn("Cannot follow {}, trying again: {}", TOPICS, e.getMessage(), e);
        }
        var unusedWhetherStopped = stopped.await(PAUSE_SECONDS, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    stopped.countDown();
  }

  private Properties settings() {
    Properties settings = TopicLog.consumer(target);
    settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, String.valueOf(BROKER_WAIT_MILLIS));
    settings.put(ConsumerConfig.CLIENT_ID_CONFIG, "millrace-scoring");
    return settings;
  }

  /** One consumer's way from the topics' beginning. */
  private final class Following {
    private final KafkaConsumer<String, byte[]> consumer;
    private final WireFormat.Reader reader = DeploymentDecoder.reader(target.schemaRegistry());
    private final Set<String> found = new HashSet<>();
    private final Map<TopicPartition, Long> ends = new HashMap<>();

    Following(KafkaConsumer<String, byte[]> consumer) {
      this.consumer = consumer;
    }

    void follow() throws IOException {
      find();
      readDefinitions();
      tellReady();
      while (stopped.getCount() > 0) {
        boolean changed = false;
        for (ConsumerRecord<String, byte[]> record : poll()) {
          if (record.topic().equals(Topics.DEPLOYMENTS)) {
            DeploymentDecoder.decode(reader, record).ifPresent(models::deployed);
          } else {
            changed = true;
          }
        }
        if (found.size() < TOPICS.size()) {
          changed |= find();
        }
        if (changed) {
          readDefinitions();
        }
        tellReady();
      }
    }

    private Iterable<ConsumerRecord<String, byte[]>> poll() throws IOException {
      if (found.isEmpty()) {
        try {
          var unusedWhetherStopped = stopped.await(PAUSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException("Cannot go on: interrupted", e);
        }
        return List.of();
      }
      return consumer.poll(found.size() < TOPICS.size() ? POLL_MISSING : POLL);
    }

    /** Looks for topics that were not there; whether there is a new one. */
    private boolean find() {
      var known = consumer.listTopics();
      Set<TopicPartition> assigned = new HashSet<>(consumer.assignment());
      List<TopicPartition> more = new ArrayList<>();
      for (String topic : TOPICS) {
        if (known.containsKey(topic) && found.add(topic)) {
          known.get(topic).forEach(p -> more.add(new TopicPartition(topic, p.partition())));
        }
      }
      if (more.isEmpty()) {
        return false;
      }
      assigned.addAll(more);
      consumer.assign(assigned);
      List<TopicPartition> deployments =
          more.stream().filter(p -> p.topic().equals(Topics.DEPLOYMENTS)).toList();
      consumer.seekToBeginning(deployments);
      ends.putAll(consumer.endOffsets(deployments));
      List<TopicPartition> rest = new ArrayList<>(more);
      rest.removeAll(deployments);
      // All definitions are read at once when one is new.
      consumer.seekToEnd(rest);
      rest.forEach(consumer::position);
      return true;
    }

    private void readDefinitions() {
      applied.take(definitions);
      models.applied(applied.plans(), applied.problems());
    }

    private void tellReady() {
      if (!models.isReady()
          && ends.entrySet().stream()
              .allMatch(e -> consumer.position(e.getKey()) >= e.getValue())) {
        LOG.info("Ready");
        models.becomeReady();
      }
    }
  }
}
