# Millrace's own image: Flink's processes with the platform's jars, and the commands.
FROM eclipse-temurin:17.0.13_11-jdk-jammy AS build
WORKDIR /src
COPY . .
RUN ./mvnw -q -DskipTests -Dmaven.test.skip=true -Dspotless.check.skip=true -pl '!e2e,!benchmarks' package \
 && mkdir /out \
 && cp --parents -r millrace flink-conf cli/target/millrace-cli.jar cli/target/lib cli/target/classpath \
      cli/local/flink/target/lib cli/local/flink/target/classpath jobs/*/target/*-job.jar /out/ \
 && cp cli/local/container.sh cli/local/container-log4j2.properties /out/ \
 && cp cli/local/container-target.yaml /out/target.yaml \
 && sed -n 's/^jvm.opens=//p' cli/target/classes/dev/millrace/cli/build.properties > /out/jvm.opens

FROM eclipse-temurin:17.0.13_11-jre-jammy
# libgomp1: XGBoost. curl: the health checks.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin millrace \
 && mkdir -p /millrace/warehouse /millrace/artifacts /millrace/flink/checkpoints /millrace/flink/savepoints \
      /millrace/flink/upload \
 && chown -R millrace:millrace /millrace
COPY --from=build /out /opt/millrace
ENV MILLRACE_NO_BUILD=1 \
    MILLRACE_PLUGINS=/opt/millrace/plugins \
    MILLRACE_TARGET=/opt/millrace/target.yaml
USER 10001:10001
WORKDIR /tmp
VOLUME /millrace
ENTRYPOINT ["/opt/millrace/container.sh"]
CMD ["--help"]
