#!/bin/sh
# What a container of Millrace's image runs: jobmanager, taskmanager, registry, trainer, scoring, or one command of ./millrace.
set -eu

home=/opt/millrace
role=${1:-}

# A service of our own, on the commands' class path: its main class, then its options.
ours() {
  lib=$home/cli/target/millrace-cli.jar
  for jar in $(tr ':' ' ' <"$home/cli/target/classpath"); do
    lib=$lib:$home/cli/target/$jar
  done
  service "$@"
}

# Scoring on request: the inference job's jar, what Flink gives to a job, and the commands' HTTP server.
scoring() {
  lib=$(ls "$home"/jobs/inference/target/*-job.jar)
  for jar in $(tr ':' ' ' <"$home/cli/local/flink/target/classpath"); do
    lib=$lib:$home/cli/local/flink/target/$jar
  done
  for jar in $(tr ':' ' ' <"$home/cli/target/classpath"); do
    case ${jar##*/} in
      javalin-* | jetty-* | websocket-* | kotlin-stdlib-*) lib=$lib:$home/cli/target/$jar ;;
    esac
  done
  service dev.millrace.inference.ScoringService --listen "${MILLRACE_SCORING_HOST:-scoring}:8091"
}

# Runs a main class with $lib.
service() {
  mkdir -p "${MILLRACE_WORK_DIR:-/tmp/millrace}"
  main=$1
  shift
  exec java -XX:+ExitOnOutOfMemoryError -XX:+UseSerialGC "-Xmx${MILLRACE_HEAP:-512m}" \
    "-Dlog.file=${MILLRACE_WORK_DIR:-/tmp/millrace}/$role.log" \
    "-Dlog4j2.configurationFile=file:$home/container-log4j2.properties" -cp "$lib" "$main" --target "$home/target.yaml" "$@"
}

case $role in
  jobmanager | taskmanager) ;;
  registry)
    shift
    ours dev.millrace.registry.RegistryService --state "${MILLRACE_WORK_DIR:-/tmp/millrace}/registry" \
      --scoring "http://${MILLRACE_SCORING_HOST:-scoring}:8091" "$@"
    ;;
  trainer) ours dev.millrace.trainer.TrainerService --heartbeat "${MILLRACE_WORK_DIR:-/tmp/millrace}/trainer.heartbeat" ;;
  scoring) scoring ;;
  *) exec "$home/millrace" "$@" ;;
esac

work=${MILLRACE_WORK_DIR:-/tmp/millrace}
conf=$work/conf
mkdir -p "$conf" "$work/tmp"

# What the operator sets, then where this container is. Inside a container's own network every interface may be bound;
# docker-compose.yml decides what of it the host sees, and binds that to 127.0.0.1.
cp "$home/flink-conf/config.yaml" "$conf/config.yaml"
cat >>"$conf/config.yaml" <<END

jobmanager.rpc.address: ${MILLRACE_JOBMANAGER_HOST:-jobmanager}
jobmanager.bind-host: 0.0.0.0
rest.address: ${MILLRACE_JOBMANAGER_HOST:-jobmanager}
rest.bind-address: 0.0.0.0
blob.server.port: "6124"
taskmanager.host: ${MILLRACE_TASKMANAGER_HOST:-$(hostname)}
taskmanager.bind-host: 0.0.0.0
execution.checkpointing.dir: file:///millrace/flink/checkpoints
execution.checkpointing.savepoint-dir: file:///millrace/flink/savepoints
web.upload.dir: /millrace/flink/upload
io.tmp.dirs: $work/tmp
END

flink=$home/cli/local/flink/target
lib=
IFS=:
for jar in $(cat "$flink/classpath"); do
  lib=$lib${lib:+:}$flink/$jar
done
unset IFS
if [ "$role" = jobmanager ]; then
  main=org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint
  sizes=GET_JM_RESOURCE_PARAMS
else
  main=org.apache.flink.runtime.taskexecutor.TaskManagerRunner
  sizes=GET_TM_RESOURCE_PARAMS
fi
said=$(java -cp "$lib" org.apache.flink.runtime.util.bash.BashJavaUtils "$sizes" -c "$conf" 2>&1) || {
  printf '%s\nCannot size Flink: correct flink-conf/config.yaml\n' "$said" >&2
  exit 1
}
flags=$(printf '%s\n' "$said" | sed -n 's/^BASH_JAVA_UTILS_EXEC_RESULT://p' | sed -n 1p)
properties=$(printf '%s\n' "$said" | sed -n 's/^BASH_JAVA_UTILS_EXEC_RESULT://p' | sed -n 2p)
# The packages that Flink and Iceberg reach into, as the build knows them.
opens=$(cat "$home/jvm.opens")

export FLINK_CONF_DIR="$conf" FLINK_LIB_DIR="$flink/lib"
# shellcheck disable=SC2086 # each of these is several words
exec java $flags $opens -XX:+ExitOnOutOfMemoryError "-Djava.io.tmpdir=$work/tmp" "-Dlog.file=$work/$role.log" \
  "-Dlog4j2.configurationFile=file:$home/container-log4j2.properties" -cp "$lib" "$main" -c "$conf" $properties
