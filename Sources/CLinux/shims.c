#include "CLinux.h"

static __thread void *thread_value;

void *CLinux_thread_value(void) { return thread_value; }
void CLinux_set_thread_value(void *value) { thread_value = value; }
