#!/usr/bin/env bash
# Adds every public symbol of contracts that is not declared yet to PublicAPI.Unshipped.txt,
# from the analyzer's own messages (RS0016). Removals (RS0017) are for a person to decide.
set -euo pipefail
cd "$(dirname "$0")/.."
file=contracts/PublicAPI.Unshipped.txt
{ dotnet build contracts -v q --no-incremental 2>&1 || true; } \
  | sed -n "s/.*error RS0016: Symbol '\(.*\)' is not part of the declared public API.*/\1/p" \
  | cat - <(tail -n +2 "$file") | LC_ALL=C sort -u > "$file.new"
{ echo '#nullable enable'; cat "$file.new"; } > "$file"
rm -f "$file.new"
echo "$(wc -l < "$file") lines in $file"
