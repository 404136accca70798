// Linux headers that the Glibc module lacks, and one thread-local word.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

// Initial-exec, as this is linked into programs: reading it is one instruction, not a call.
extern __thread void *_Nullable CLinux_thread_word __attribute__((tls_model("initial-exec")));

/// The event loop whose thread this is, as its owner stored it; NULL elsewhere.
static inline void *_Nullable CLinux_thread_value(void) { return CLinux_thread_word; }
static inline void CLinux_set_thread_value(void *_Nullable value) { CLinux_thread_word = value; }

/// Has `CLinux_task_cancelled` called with `context` when the current task is cancelled, on the
/// thread that cancels it, or now if it was; what withTaskCancellationHandler does, without its
/// four changes of executor. The result goes to CLinux_stop_watching, in the same task, before
/// anything that the task allocated earlier is freed.
void *_Nonnull CLinux_watch_cancellation(void *_Nonnull context);
void CLinux_stop_watching(void *_Nonnull record);
/// Whether the current task has been cancelled; false outside of tasks.
_Bool CLinux_task_is_cancelled(void);
/// Defined in Transport.
void CLinux_task_cancelled(void *_Nonnull context);

/// A ready descriptor: epoll's event without its union.
typedef struct {
    uint32_t events;
    uint64_t data;
} CLinux_event;

int CLinux_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t data);
/// Waits for at most 256 events; negative is an errno.
int CLinux_epoll_wait(int epoll, CLinux_event *_Nonnull events, int milliseconds);
/// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC.
/// Has every line on standard output written at once, also into a pipe.
void CLinux_flush_lines(void);
/// Writes a line to standard error.
void CLinux_complain(const char *_Nonnull line);
/// Names the calling thread: at most 15 bytes.
void CLinux_name_thread(const char *_Nonnull name);
int CLinux_accept(int descriptor, struct sockaddr *_Nonnull address, socklen_t *_Nonnull length);

/// From now on the signal comes out of CLinux_next_signal; a second SIGTERM or SIGINT ends the
/// program at once. Not for several threads at a time. 0, or -1 with errno.
int CLinux_catch_signal(int number);
/// Waits for the next caught signal; -1 when none was ever caught.
int CLinux_next_signal(void);
/// Writing to a closed pipe or socket gives EPIPE, and writing behind the process's limit of file
/// sizes EFBIG; neither ends the program by a signal.
void CLinux_ignore_broken_pipes(void);

/// Has freed memory kept by the process up to `bytes`, for programs that move large messages: given
/// back and asked for again, each page costs a fault.
void CLinux_keep_freed_memory(int bytes);

#endif
