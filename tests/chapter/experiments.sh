#!/bin/sh
# experiments.sh TOOL BASELINE FOLDER: the chapter's experiments on real data keep their bounds.
set -eu
if [ -z "${HORNFELS_DATA:-}" ]; then
    echo "skipped: HORNFELS_DATA names no folder"
    exit 77
fi
exec sh "$(dirname "$0")/../../models/chapter.sh" "$@"
