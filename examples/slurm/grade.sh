#!/bin/bash
# Grade one assignment as a Slurm job array: every task grades its part of the class.
#
#     sbatch --array=1-8 grade.sh corr2d /shared/course
#
# Tasks are numbered from 1, and their number is the number of parts. The course folder
# and the environment are the same for all nodes. Type the same line again if a task
# failed: what is kept is not graded twice.
#SBATCH --job-name=grade
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=4G
#SBATCH --time=01:00:00
#SBATCH --output=grade-%A-%a.log

set -euo pipefail

name=${1:?which assignment? for example: corr2d}
course=${2:?which course folder? for example: /shared/course}
source "${COURSE_ENVIRONMENT:-$HOME/cnn-course/.venv}/bin/activate"
export OMP_NUM_THREADS=1 # processes take the processors, not threads

# Says in the log what a node lacks; grading would refuse there.
python -m autograder doctor
python -m autograder grade "$name" --course "$course" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --jobs "$SLURM_CPUS_PER_TASK"
