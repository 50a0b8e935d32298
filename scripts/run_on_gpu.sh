#!/bin/sh
# Execute the whole book at the scale of the papers, on a machine with GPUs, and write a report: sh scripts/run_on_gpu.sh
#
# Every chapter is kept as soon as it is done: after an interruption, call it again, and it goes on from there. It takes
# as many GPUs as there are. GLUONBOOK_PROFILE=quick tries the way in minutes; KIND=cpu goes it without a GPU.
set -u
CDPATH='' cd -- "$(dirname -- "$0")/.." || exit
KIND=${KIND:-cu112}
GLUONBOOK_PROFILE=${GLUONBOOK_PROFILE:-full}
export GLUONBOOK_PROFILE

make setup KIND="$KIND" || exit
make doctor KIND="$KIND" || exit
make book KIND="$KIND"
status=$?
make report KIND="$KIND" || exit
exit "$status" # a chapter that failed is missing in the report, and has been named above
