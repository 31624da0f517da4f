#!/bin/sh
# Gives a Debian machine a Docker engine that answers: installs it if it is missing, starts it if it is not running.
# For machines that are thrown away (CI); anything that is there already stays as it is.
set -eu

log=${DOCKERD_LOG:-/var/log/dockerd.log}

answers() {
  # The socket, not the client: a machine may have one without the other.
  [ -S /var/run/docker.sock ] && docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

if answers; then
  echo "Docker $(docker version --format '{{.Server.Version}}') answers"
  exit 0
fi

if [ ! -r /etc/debian_version ]; then
  echo 'install-engine.sh knows Debian only: install a Docker engine by hand' >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo 'install-engine.sh has to run as root' >&2
  exit 1
fi

# iptables: dockerd needs it for its bridges, and some packages of Docker only recommend it.
if ! command -v dockerd >/dev/null || ! command -v iptables >/dev/null; then
  echo 'installing docker.io and iptables'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
fi

# One that has ended and waits for its parent to notice still has its name.
runs() {
  for pid in $(pgrep -x dockerd 2>/dev/null); do
    case $(ps -o stat= -p "$pid" 2>/dev/null) in
      '' | Z*) ;;
      *) return 0 ;;
    esac
  done
  return 1
}

# No service manager is asked: in a container there is none, and where there is one the engine runs already. A pid file of one that was
# killed would keep the next from starting.
start() {
  rm -f /var/run/docker.pid
  echo "starting dockerd, log in $log"
  nohup setsid dockerd >>"$log" 2>&1 </dev/null &
}

waited=0
until answers; do
  runs || start
  if [ "$waited" -ge 60 ]; then
    echo "dockerd does not answer after $waited s; the end of $log:" >&2
    tail -n 20 "$log" >&2
    exit 1
  fi
  sleep 1
  waited=$((waited + 1))
done
echo "Docker $(docker version --format '{{.Server.Version}}') answers"
