#!/bin/bash
# The units of packaging/systemd under a real systemd, the first process of namespaces of its own: nothing outside is
# touched but a cgroup, which is removed. Needs root; says "skipped" where systemd or a namespace cannot be had.
#
#   tests/real/systemd.sh [BINARY]        default: target/release/gateway
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
self=$root/tests/real/systemd.sh
stage=${2:-outside}
binary=$(realpath "${1:-$root/target/release/gateway}")
systemd=/lib/systemd/systemd

skip() { echo "skipped: $1"; exit 0; }

# === outside: a cgroup and the namespaces ===

outside() {
  [ "$(id -u)" = 0 ] && [ -x $systemd ] || skip "needs root and systemd"
  unshare --mount --pid --fork --net --uts --ipc --cgroup true 2>/dev/null || skip "no right to make namespaces"
  work=$(mktemp -d /tmp/gateway-systemd.XXXXXX)
  trap clean EXIT
  for hierarchy in systemd unified .; do
    [ -e /sys/fs/cgroup/$hierarchy/cgroup.procs ] && mkdir "/sys/fs/cgroup/$hierarchy/${work##*/}"
  done
  export WORK=$work
  # A shell of its own enters the cgroup, so that this one can remove it.
  timeout -k 5 90 bash -c 'for c in /sys/fs/cgroup/{systemd,unified,.}/${WORK##*/}; do
      [ ! -e $c ] || echo $$ > $c/cgroup.procs; done
    exec unshare --mount --pid --fork --kill-child --net --uts --ipc --cgroup "$0" "$@"' \
    "$self" "$binary" inside >"$work/console" 2>&1 || true
  grep -h . "$work/checks" || true
  if ! tail -n 1 "$work/checks" 2>/dev/null | grep -q '^all passed'; then
    tail -n 40 "$work/console" "$work/log" 2>/dev/null
    echo "FAILED"
    exit 1
  fi
}

clean() {
  find /sys/fs/cgroup/{systemd,unified,.}/"${work##*/}" -depth -type d -exec rmdir {} + 2>/dev/null || true
  rm -rf "$work"
}

# === inside: a machine, and its systemd ===

inside() {
  mount --make-rprivate /
  own_cgroups
  mount -t proc proc /proc
  mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /mnt
  for folder in etc var usr/local; do
    mkdir -p "/mnt/$folder/up" "/mnt/$folder/work"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=/mnt/$folder/up,workdir=/mnt/$folder/work" "/$folder"
  done
  install_gateway
  write_units
  ip link set lo up
  mount --make-rshared /
  exec env -i container=lxc PATH="$PATH" WORK="$WORK" SYSTEMD_UNIT_PATH=/etc/test-units \
    $systemd --system --unit=test.target --log-target=console --show-status=0
}

# Only what systemd itself needs: its own hierarchy, or the unified one.
own_cgroups() {
  if [ ! -e /sys/fs/cgroup/systemd ]; then
    umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
    return
  fi
  for mounted in /sys/fs/cgroup/*/; do umount -l "$mounted" 2>/dev/null || true; done
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
  [ ! -d /sys/fs/cgroup/unified ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
}

# As docs/operations.md says, with a certificate such as certbot's.
install_gateway() {
  local live=/etc/letsencrypt/live/example.test
  install -m 755 "$binary" /usr/local/bin/gateway
  systemd-sysusers "$root/packaging/systemd/gateway.sysusers"
  install -d -m 700 /etc/gateway/secrets "$live" && install -d /etc/gateway/tls && chmod 755 /etc/gateway
  echo top >/etc/gateway/secrets/service-key
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj /CN=example.test \
    -keyout $live/privkey.pem -out $live/fullchain.pem 2>/dev/null
  RENEWED_LINEAGE=$live sh "$root/packaging/systemd/certbot-deploy-hook"
  cat >/etc/gateway/environment <<'END'
KONG_SSL_CERT=/etc/gateway/tls/example.test/fullchain.pem
KONG_SSL_CERT_KEY=/etc/gateway/tls/example.test/privkey.pem
END
  # An expression that needs PCRE2, whose compiler would like memory that can be written and run.
  cat >/etc/gateway/gateway.yml <<'END'
_format_version: "3.0"
services:
- name: by-name
  url: http://localhost:9000
  routes:
  - paths: [/]
- name: nowhere
  url: http://localhost:9000
  routes:
  - paths: ['~/tea(?!pot)']
  plugins:
  - name: request-termination
    config: {status_code: 418}
END
}

write_units() {
  local units=/etc/test-units target
  mkdir -p $units/gateway.service.d
  cp "$root"/packaging/systemd/gateway.{service,socket} $units
  for target in sysinit basic sockets shutdown network-online nss-lookup multi-user umount; do
    printf '[Unit]\nDefaultDependencies=no\n' >$units/$target.target
  done
  printf '[Unit]\nDefaultDependencies=no\nWants=gateway.socket check.service\n' >$units/test.target
  cat >$units/gateway.service.d/test.conf <<END
[Service]
LoadCredential=service-key:/etc/gateway/secrets/service-key
ExecStartPre=/bin/sh -c 'test "\$(cat \$CREDENTIALS_DIRECTORY/service-key)" = top'
StandardOutput=append:$WORK/log
StandardError=append:$WORK/log
END
  cat >$units/check.service <<END
[Unit]
DefaultDependencies=no
After=gateway.socket
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
Environment=WORK=$WORK
ExecStart=$self $binary checks
StandardOutput=file:$WORK/checks
StandardError=inherit
TimeoutStartSec=60
END
}

# === checks: what an operator would see ===

expect() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then echo "ok: $1"; else echo "FAILED: $1: wanted '$2', got '$3'" && exit 1; fi
}

code() { curl --silent --insecure --globoff --max-time 15 --output /dev/null --write-out '%{http_code}' "$1" || true; }

checks() {
  mkdir -p /run/www && echo hello >/run/www/index.html
  python3 -m http.server 9000 --bind 127.0.0.1 --directory /run/www >/dev/null 2>&1 &
  until curl --silent --output /dev/null --max-time 1 http://127.0.0.1:9000/; do sleep 0.1; done
  expect "the first connection starts it" 200 "$(code http://127.0.0.1/)"
  expect "TLS over IPv6" 200 "$(code 'https://[::1]/')"
  expect "an expression that needs PCRE2" 418 "$(code http://127.0.0.1/tea)"
  local subject pid
  subject=$(openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509 -noout -subject)
  expect "certbot's certificate" "subject=CN = example.test" "$subject"
  pid=$(systemctl show -p MainPID --value gateway.service)
  expect "no capability" "0000000000000000 0000000000000000" \
    "$(awk '/^Cap(Eff|Bnd)/ { print $2 }' "/proc/$pid/status" | paste -sd' ')"
  expect "a user of its own, filtered system calls" "1 2" \
    "$(awk '/^Uid/ { print ($2 > 60000) } /^Seccomp:/ { print $2 }' "/proc/$pid/status" | paste -sd' ')"
  restarts_lose_nothing
  upgrades_lose_nothing
  # In a container with cgroups of version 1, systemd waits at a stop only for its own children, and kills others at once.
  systemctl restart gateway.service
  systemctl stop gateway.socket gateway.service
  expect "stopped" inactive "$(systemctl show -p ActiveState --value gateway.service)"
  echo "all passed"
}

restarts_lose_nothing() {
  for _ in $(seq 60); do code https://127.0.0.1/; echo; done >"$WORK/codes" &
  local asking=$!
  sleep 0.3 && systemctl restart gateway.service && systemctl restart gateway.service
  wait $asking
  expect "60 requests over two restarts" "60 200" "$(sort "$WORK/codes" | uniq -c | xargs)"
}

# systemd goes on with the new process as the service's main one.
upgrades_lose_nothing() {
  local before after again
  before=$(main_pid)
  for _ in $(seq 120); do code https://127.0.0.1/; echo; done >"$WORK/codes" &
  local asking=$!
  sleep 0.3 && after=$(upgraded "$before") && again=$(upgraded "$after")
  wait $asking
  expect "120 requests over two upgrades" "120 200" "$(sort "$WORK/codes" | uniq -c | xargs)"
  expect "three processes, one after the other" 3 "$(printf '%s\n' "$before" "$after" "$again" | sort -u | grep -c .)"
  expect "still the service" "active gateway" "$(systemctl is-active gateway.service) $(cat "/proc/$again/comm")"
}

main_pid() { systemctl show -p MainPID --value gateway.service; }

# Asks the main process for an upgrade, and waits for another one: its number.
upgraded() { # OLD
  systemctl kill --kill-whom=main -s USR2 gateway.service
  for _ in $(seq 100); do
    [ "$(main_pid)" = "$1" ] || break
    sleep 0.1
  done
  main_pid
}

$stage
