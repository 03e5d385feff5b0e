#!/bin/sh
# prepare.sh OUTDIR [--tool HORNFELS]: everything that a machine with a device needs, which need not have the tool or what
# the tool is built with. Data: HORNFELS_DATA. Then there: OUTDIR/run.sh
PYTHONDONTWRITEBYTECODE=1 exec "${PYTHON:-python3}" "$(dirname "$0")/prepare.py" "$@"
