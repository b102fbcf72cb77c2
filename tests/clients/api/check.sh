#!/usr/bin/env bash
# Holds the OpenAPI document of a running server against the schema of OpenAPI 3.1, and the server against the document:
#
#   check.sh DIRECTORY-OF-PROGRAMS
#
# Reads BASE, METRICS_TOKEN, COOKIE (an administrator's) and ACCESS_TOKEN. Ends with 1 when an answer is none that the
# document tells of, or is a failure of the server.
set -euo pipefail
tools=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HYPOTHESIS_STORAGE_DIRECTORY=$work
curl --silent --show-error --fail --output openapi.json "$BASE/openapi.json"
"$tools/openapi-spec-validator" openapi.json

# seconds, then what is asked and as whom
run() {
    local seconds=$1
    shift
    "$tools/st" run "$BASE/openapi.json" --max-time "$seconds" --max-examples 10 --seed 1 \
        --phases examples,coverage,fuzzing \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,missing_required_header,ignored_auth,allow_header_conformance \
        --continue-on-failure --warnings off --no-color --max-redirects 0 "$@"
}
run 25
run 8 --include-path-regex '^/admin/' --header "Cookie: $COOKIE"
run 5 --include-path-regex '^/oauth/(userinfo|tokeninfo)' --header "Authorization: Bearer $ACCESS_TOKEN"
run 5 --include-path-regex '^/(actors|readyz)' --header "Authorization: Bearer $METRICS_TOKEN"
