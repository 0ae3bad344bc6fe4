"""What we ask of the computer that we run on.

devices         the device to compute on, and how much memory it has
cuda_graphs     a function as one CUDA graph
files           files that are written whole or not at all, regular files, and locked folders
own_runs        which runs this user trained on this machine
hugging_face    names on the Hugging Face hub, whether it can be reached, and what it is sent
interrupts      Ctrl-C, SIGTERM and SIGHUP as a wish to stop
launch          whether torchrun started this process, and as which of several
processes       what several processes decide, sum and share
processors      how many threads this process can keep busy
private_state   small files that are kept for this user alone
speed/          which backend of a job is used here, and the machine's rates
scripts         scripts of this package in processes of their own
torch_threads   work in the threads that torch has
"""
