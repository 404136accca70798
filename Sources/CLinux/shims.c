#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>

__thread void *CLinux_thread_word __attribute__((tls_model("initial-exec")));

int CLinux_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int CLinux_epoll_wait(int epoll, CLinux_event *events, int milliseconds) {
    struct epoll_event ready[256];
    int count = epoll_wait(epoll, ready, 256, milliseconds);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) {
        events[i].events = ready[i].events;
        events[i].data = ready[i].data.u64;
    }
    return count;
}

int CLinux_accept(int descriptor, struct sockaddr *address, socklen_t *length) {
    return accept4(descriptor, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void CLinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void CLinux_flush_lines(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

void CLinux_complain(const char *line) { fprintf(stderr, "%s\n", line); }

void CLinux_keep_freed_memory(int bytes) {
    mallopt(M_MMAP_THRESHOLD, bytes < (32 << 20) ? bytes : 32 << 20);
    mallopt(M_TRIM_THRESHOLD, bytes);
}
