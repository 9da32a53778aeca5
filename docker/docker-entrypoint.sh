#!/bin/sh
# /docker-entrypoint.sh and /entrypoint.sh of the image, by which compose files and scripts start Kong:
# `docker-entrypoint.sh kong docker-start`. What is special about that is done by `kong`; anything else is run as it stands.
set -e
export KONG_NGINX_DAEMON="${KONG_NGINX_DAEMON:=off}"
exec "$@"
