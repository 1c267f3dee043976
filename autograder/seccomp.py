"""Which system calls a student process may make; libseccomp writes the filter.

An allow-list: what is not named here fails with ``ENOSYS``, as if the kernel did not
have it. New kernel features are therefore closed until somebody opens them.
"""

from __future__ import annotations

import errno
import socket
import tempfile

ALLOWED = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek
    open openat openat2 close close_range creat dup dup2 dup3 fcntl flock
    stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
    readlink readlinkat getdents getdents64 getcwd chdir fchdir rename renameat
    renameat2 mkdir mkdirat rmdir unlink unlinkat link linkat symlink symlinkat
    chmod fchmod fchmodat chown fchown fchownat lchown utime utimes utimensat futimesat
    umask truncate ftruncate fallocate fadvise64 fsync fdatasync sync_file_range
    sendfile copy_file_range splice
    mmap munmap mremap mprotect madvise msync mincore mlock munlock brk
    pkey_alloc pkey_free pkey_mprotect membarrier
    fork vfork execve execveat exit exit_group wait4 waitid
    kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending
    rt_sigqueueinfo rt_sigsuspend rt_sigtimedwait sigaltstack pause
    signalfd signalfd4 pidfd_open pidfd_send_signal
    getpid gettid getppid getpgid getpgrp setpgid setsid getsid
    getuid geteuid getgid getegid getresuid getresgid getgroups
    getrlimit setrlimit prlimit64 getrusage getpriority setpriority times
    sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam
    sched_getscheduler sched_setscheduler sched_get_priority_max
    sched_get_priority_min sched_rr_get_interval sched_getattr getcpu
    set_tid_address set_robust_list get_robust_list rseq futex futex_waitv
    arch_prctl prctl capget uname sysinfo getrandom restart_syscall
    nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time
    alarm getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun
    timer_delete timerfd_create timerfd_settime timerfd_gettime
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
    epoll_pwait epoll_pwait2 eventfd eventfd2 pipe pipe2
    inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
    socketpair connect bind listen accept accept4 getsockname getpeername
    getsockopt setsockopt sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown
    get_mempolicy
""".split()

FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW… flag, time namespaces included
#: terminal size and mode, bytes waiting, blocking, close-on-exec; nothing that types
IOCTLS = (0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)


def program() -> bytes:
    """Return the filter as BPF, to be installed by the process that it binds.

    Not listed, among others: System V memory and ``memfd_create``, whose memory no
    limit of a process covers; ``ptrace``, ``bpf``, ``io_uring``, keys and mounts; every
    socket family but Unix and IP, because vsock and netlink ignore network namespaces.
    """
    import pyseccomp as sc

    rules = sc.SyscallFilter(sc.ERRNO(errno.ENOSYS))
    # A tree of comparisons, not a list: for each room the kernel tries all numbers.
    rules.set_attr(sc.Attr.CTL_OPTIMIZE, 2)
    for name in ALLOWED:
        # Another architecture or an older libseccomp may not know it.
        if sc.resolve_syscall(sc.system_arch(), name) >= 0:
            rules.add_rule(sc.ALLOW, name)
    rules.add_rule(sc.ALLOW, "clone", sc.Arg(0, sc.MASKED_EQ, NEW_NAMESPACES, 0))
    for family in FAMILIES:
        rules.add_rule(sc.ALLOW, "socket", sc.Arg(0, sc.EQ, family))
    # The error after which ZeroMQ, in a kernel, does without the list of interfaces.
    refuse = sc.ERRNO(errno.EOPNOTSUPP)
    rules.add_rule(refuse, "socket", sc.Arg(0, sc.EQ, socket.AF_NETLINK))
    for request in IOCTLS:
        rules.add_rule(sc.ALLOW, "ioctl", sc.Arg(1, sc.EQ, request))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
