#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>

static int pipe_ends[2] = {-1, -1};
static volatile sig_atomic_t stops;

// Only calls that are safe in a handler. The second request to stop ends the program at once.
static void on_signal(int number) {
    int saved = errno;
    if ((number == SIGTERM || number == SIGINT) && ++stops > 1) _exit(128 + number);
    unsigned char byte = (unsigned char)number;
    ssize_t ignored = write(pipe_ends[1], &byte, 1);
    (void)ignored;
    errno = saved;
}

int CLinux_catch_signal(int number) {
    if (pipe_ends[0] < 0) {
        if (pipe2(pipe_ends, O_CLOEXEC) != 0) return -1;
        // A full pipe must not block the handler.
        fcntl(pipe_ends[1], F_SETFL, O_NONBLOCK);
    }
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, 0);
}

int CLinux_next_signal(void) {
    unsigned char byte;
    for (;;) {
        ssize_t count = read(pipe_ends[0], &byte, 1);
        if (count == 1) return byte;
        if (count < 0 && errno == EINTR) continue;
        return -1;
    }
}

void CLinux_ignore_broken_pipes(void) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}
