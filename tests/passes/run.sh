#!/bin/bash
# run.sh HORNFELS-OPT FILECHECK FILE
#
# Runs the `// RUN:` lines of a test, each as a shell command; %s is the file. A command fails when any part of its pipe
# does: the comparison alone does not see a crash behind the last line.
set -eu -o pipefail
optimizer=$1 filecheck=$2 file=$3
export PATH="$(dirname "$optimizer"):$(dirname "$filecheck"):$PATH"

lines=$(sed -n 's|^// RUN: *||p' "$file" | sed "s|%s|'$file'|g")
[ -n "$lines" ] || { echo "$file has no RUN line" >&2; exit 1; }
status=0
while IFS= read -r command; do
  if ! (eval "$command"); then
    echo "failed: $command" >&2
    status=1
  fi
done <<END
$lines
END
exit $status
