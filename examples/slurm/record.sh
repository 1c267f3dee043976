#!/bin/bash
# Record in the gradebook what the tasks of an array have graded, and grade what they
# could not:
#
#     sbatch --dependency=afterany:ARRAY_JOB_ID record.sh corr2d /shared/course
#
#SBATCH --job-name=record
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=4G
#SBATCH --time=01:00:00
#SBATCH --output=record-%j.log

set -euo pipefail

name=${1:?which assignment? for example: corr2d}
course=${2:?which course folder? for example: /shared/course}
source "${COURSE_ENVIRONMENT:-$HOME/cnn-course/.venv}/bin/activate"
export OMP_NUM_THREADS=1

python -m autograder grade "$name" --course "$course" --jobs "$SLURM_CPUS_PER_TASK"
