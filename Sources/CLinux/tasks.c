#include "CLinux.h"

// Entry points of the Swift runtime, as its TaskCancellation.swift declares and calls them.
typedef __attribute__((swiftcall)) void (*handler)(__attribute__((swift_context)) void *context);
__attribute__((swiftcall)) void *swift_task_addCancellationHandler(handler, void *context);
__attribute__((swiftcall)) void swift_task_removeCancellationHandler(void *record);

__attribute__((swiftcall)) void *swift_task_getCurrent(void);
__attribute__((swiftcall)) _Bool swift_task_isCancelled(void *task);

_Bool CLinux_task_is_cancelled(void) {
    void *task = swift_task_getCurrent();
    return task && swift_task_isCancelled(task);
}

static __attribute__((swiftcall)) void cancelled(__attribute__((swift_context)) void *context) {
    CLinux_task_cancelled(context);
}

void *CLinux_watch_cancellation(void *context) {
    return swift_task_addCancellationHandler(cancelled, context);
}

void CLinux_stop_watching(void *record) { swift_task_removeCancellationHandler(record); }
