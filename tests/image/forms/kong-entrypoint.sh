#!/bin/sh
# What the start script of Supabase's stacks does to their file before Kong starts: Lua for the newer keys, values for names,
# and no line for a key that there is none of.
set -eu

own="headers.authorization ~= nil and headers.authorization:sub(1, 10) ~= 'Bearer sb_' and headers.authorization"
if [ -n "$SUPABASE_SECRET_KEY" ] && [ -n "$SUPABASE_PUBLISHABLE_KEY" ]; then
  token() { # WHERE PREFIX
    printf "(%s == '%s' and '%s') or (%s == '%s' and '%s')" "$1" "$SUPABASE_SECRET_KEY" \
      "$2$SERVICE_ROLE_KEY_ASYMMETRIC" "$1" "$SUPABASE_PUBLISHABLE_KEY" "$2$ANON_KEY_ASYMMETRIC"
  }
  LUA_AUTH_EXPR="\$(($own) or $(token headers.apikey 'Bearer ') or headers.apikey)"
  LUA_RT_WS_EXPR="\$($(token query_params.apikey '') or query_params.apikey)"
  LUA_FUNCTIONS_EXPR="\$($(token headers.apikey '') or nil)"
else
  LUA_AUTH_EXPR="\$(($own) or headers.apikey)"
  LUA_RT_WS_EXPR="\$(query_params.apikey)"
  LUA_FUNCTIONS_EXPR="\$(nil)"
fi
path=$(printf '%s' "$JWT_ISSUER" | sed 's,^https\{0\,1\}://[^/]*,,; s,/$,,')
case $JWT_ISSUER in http://* | https://*) ;; *) echo "JWT_ISSUER is no URL" >&2; exit 1 ;; esac
WELL_KNOWN_OAUTH_PATH=/.well-known/oauth-authorization-server$path
export LUA_AUTH_EXPR LUA_RT_WS_EXPR LUA_FUNCTIONS_EXPR WELL_KNOWN_OAUTH_PATH

# $NAME is a name only where the environment has it; $( begins Lua, and stays.
awk '{
  line = ""
  while (match($0, /\$[A-Za-z_][A-Za-z0-9_]*/)) {
    name = substr($0, RSTART + 1, RLENGTH - 1)
    line = line substr($0, 1, RSTART - 1) (name in ENVIRON ? ENVIRON[name] : "$" name)
    $0 = substr($0, RSTART + RLENGTH)
  }
  print line $0
}' /home/kong/temp.yml >"$KONG_DECLARATIVE_CONFIG"
sed -i '/^[[:space:]]*- key:[[:space:]]*$/d' "$KONG_DECLARATIVE_CONFIG"

exec /entrypoint.sh kong docker-start
