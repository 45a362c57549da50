#!/usr/bin/env bash
# Builds everything and runs every test project.
set -euo pipefail
. "$(dirname "$0")/tools/common.sh"

usage() {
    cat << 'END'
usage: sudo ./test.sh [--release] [--no-build] [NAME...] [-- RUNNER-OPTION...]

Installs what is missing, builds, publishes to dist/ and runs every test project under
tests/, one after the other. The last line is the sum: "N passed, N failed".

  NAME          only the projects whose path under tests/ contains NAME (engine, tun, system, ...)
  --release     build and run the Release configuration instead of Debug
  --no-build    run what is built already
  -- OPTIONS    handed to each test program, e.g. -- -class 'VibePN.System.Tests.MeshTests'

A project that runs no test, dies or takes longer than 15 minutes (TEST_LIMIT) counts as a failure; with
CI=true in the environment, so does a skipped test. Logs and reports: artifacts/tests/.
END
}

configuration=Debug
build=true
names=()
runner_options=()
while [ $# -gt 0 ]; do
    case "$1" in
        --release) configuration=Release ;;
        --no-build) build=false ;;
        -h | --help) usage; exit 0 ;;
        --) shift; runner_options=("$@"); break ;;
        -*) usage >&2; exit 2 ;;
        *) names+=("$1") ;;
    esac
    shift
done
[ "${CI:-}" != true ] || runner_options+=(-failSkips)

require_root
cd "$repository"
results=artifacts/tests
rm -rf "$results"
as_owner mkdir -p "$results"

is_selected() {
    [ "${#names[@]}" -gt 0 ] || return 0
    local name
    for name in "${names[@]}"; do
        [[ "${1#tests/}" != *"$name"* ]] || return 0
    done
    return 1
}

projects=()
while read -r project; do
    ! is_selected "$project" || projects+=("$project")
done < <(find tests -name '*.csproj' -not -path '*/testkit/*' -not -path '*/fixtures/*' -not -path '*/benchmarks/*' | sort)
[ "${#projects[@]}" -gt 0 ] || fail "no test project matches '${names[*]}'."

if $build; then
    tools/install-dependencies.sh test
    find_dotnet
    say "building ($configuration)"
    if ! as_owner dotnet build VibePN.Modular.sln -c "$configuration" -nologo -v:quiet -nodeReuse:false \
        > "$results/build.log" 2>&1; then
        grep -E '(error|warning) [A-Z]+[0-9]+' "$results/build.log" | sort -u | head -n 30 >&2 || true
        fail "the build failed; everything it said is in $results/build.log."
    fi
    as_owner ./build.sh
else
    find_dotnet
fi

passed=0
failed=0
skipped=0

# Reads one count out of the report's <assembly> element.
count() { grep -o -m1 '<assembly [^>]*' "$2" | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*' || echo 0; }

# Whoever asks for live output wants to see it here, too.
keep_log() {
    if [[ " ${runner_options[*]} " == *' -showLiveOutput '* ]]; then tee "$log"; else cat > "$log"; fi
}

run_project() {
    local project="$1" name program log report status=0 started ended ok bad left verdict
    name="$(basename "$project" .csproj)"
    program="$(dirname "$project")/bin/$configuration/net10.0/$name"
    name+="${2:-}"
    log="$results/$name.log"
    report="$results/$name.xml"
    started="$(date +%s%N)"
    timeout --kill-after=10 "${TEST_LIMIT:-15m}" "$program" -noLogo -noColor -longRunning 120 -result-xml "$report" \
        "${runner_options[@]}" 2>&1 < /dev/null | keep_log || status=$?
    ended="$(date +%s%N)"
    ok=0 bad=0 left=0
    if [ -s "$report" ]; then
        ok="$(count passed "$report")"
        bad="$(($(count failed "$report") + $(count errors "$report")))"
        left="$(count skipped "$report")"
    fi
    verdict=ok
    if [ "$((ok + bad))" -eq 0 ]; then
        verdict="NO TEST RAN"
        bad=1
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        verdict="DIED (exit $status)"
        bad=1
    elif [ "$bad" -gt 0 ]; then
        verdict=FAILED
    fi
    printf '%-42s %6d passed %4d failed %7.1f s  %s\n' "$name" "$ok" "$bad" \
        "$(((ended - started) / 100000000))e-1" "$verdict"
    if [ "$verdict" != ok ]; then
        grep -vE '^\s*(Discover|Start)ing:|^\s*(Discover|Finish)ed:' "$log" | tail -n 150 | sed 's/^/    /'
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + left))
}

say "running ${#projects[@]} test projects"
for project in "${projects[@]}"; do
    run_project "$project"
    # What holds with one loop holds with several.
    [[ "$project" != */transport-quic/* ]] || QUIC_LOOPS=2 run_project "$project" .2-loops
done

if [ "$skipped" -gt 0 ]; then
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
else
    printf '%d passed, %d failed\n' "$passed" "$failed"
fi
[ "$failed" -eq 0 ]
