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

/// The event loop whose thread this is, as its owner stored it; NULL elsewhere.
void *_Nullable CLinux_thread_value(void);
void CLinux_set_thread_value(void *_Nullable value);

#endif
