package dev.millrace.platform;

import dev.millrace.schemas.WireFormat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** The names of Millrace's topics, and how they are made. */
public final class Topics {

  public static final String DEFINITIONS = "millrace.definitions";
  public static final String LIFECYCLE = "models.lifecycle";
  public static final String DEPLOYMENTS = "models.deployments";
  public static final String TRACKING = "models.tracking";

  public static final int PARTITIONS = 4;
  public static final int RECORD_BYTES_MAX = WireFormat.RECORD_BYTES_MAX;
  private static final long RETENTION_MILLIS = 7L * 24 * 60 * 60 * 1000;
  private static final long KEPT_FOR_EVER = -1;

  public static String features(String project, String view) {
    return project + ".features." + view;
  }

  public static String predictions(String project, String model) {
    return project + ".predictions." + model;
  }

  public static String shadows(String project, String model) {
    return project + ".shadows." + model;
  }

  public static String drift(String project) {
    return project + ".drift";
  }

  public static String performance(String project) {
    return project + ".performance";
  }

  public static String retraining(String project) {
    return project + ".retraining";
  }

  public static String rollouts(String project) {
    return project + ".rollouts";
  }

  public static String alerts(String project) {
    return project + ".alerts";
  }

  public static String audit(String project) {
    return project + ".audit";
  }

  public static String deadLetters(String project) {
    return project + ".dead-letters";
  }

  /** The subject of a topic's values. */
  public static String subject(String topic) {
    return topic + "-value";
  }

  /** Makes the topics that are not there; a topic of {@code models.*} is kept for ever. */
  public static void create(Admin admin, Iterable<String> names) throws InterruptedException {
    List<NewTopic> wanted = new ArrayList<>();
    for (String name : names) {
      boolean forEver = name.equals(DEFINITIONS) || name.startsWith("models.");
      wanted.add(
          new NewTopic(name, Optional.of(PARTITIONS), Optional.empty())
              .configs(
                  Map.of(
                      "message.timestamp.type",
                      "LogAppendTime",
                      "max.message.bytes",
                      String.valueOf(RECORD_BYTES_MAX),
                      "cleanup.policy",
                      "delete",
                      "retention.ms",
                      String.valueOf(forEver ? KEPT_FOR_EVER : RETENTION_MILLIS))));
    }
    var created = admin.createTopics(wanted).values();
    for (var topic : created.entrySet()) {
      try {
        topic.getValue().get();
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof TopicExistsException)) {
          throw new IllegalStateException(
              "Cannot create topic " + topic.getKey() + ": " + e.getCause(), e);
        }
      }
    }
  }

  /** Kafka's own ids of the topics that exist; a topic that was made anew has another one. */
  public static Map<String, String> ids(Admin admin, Set<String> names)
      throws InterruptedException {
    Map<String, String> ids = new HashMap<>();
    for (var topic : admin.describeTopics(names).topicNameValues().entrySet()) {
      try {
        TopicDescription description = topic.getValue().get();
        ids.put(topic.getKey(), description.topicId().toString());
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
          throw new IllegalStateException(
              "Cannot describe topic " + topic.getKey() + ": " + e.getCause(), e);
        }
      }
    }
    return ids;
  }

  /** An admin client that gives up after seconds, not minutes. */
  /** The first offset of each partition of a topic. */
  public static Map<Integer, Long> firstOffsets(Admin admin, String topic)
      throws InterruptedException {
    try {
      Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
      for (TopicPartitionInfo partition :
          admin
              .describeTopics(Set.of(topic))
              .topicNameValues()
              .values()
              .iterator()
              .next()
              .get()
              .partitions()) {
        asked.put(new TopicPartition(topic, partition.partition()), OffsetSpec.earliest());
      }
      Map<Integer, Long> first = new TreeMap<>();
      admin
          .listOffsets(asked)
          .all()
          .get()
          .forEach((partition, at) -> first.put(partition.partition(), at.offset()));
      return first;
    } catch (ExecutionException e) {
      throw new IllegalStateException("Cannot ask for the first offsets of topic " + topic, e);
    }
  }

  public static Admin admin(Target target) {
    Properties properties = new Properties();
    properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka());
    properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, "10000");
    properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, "20000");
    return Admin.create(properties);
  }

  private Topics() {}
}
