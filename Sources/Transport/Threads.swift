import CLinux
import Glibc

/// Starts a thread that runs `body` and may be joined.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Box {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    var thread = pthread_t()
    // Safe because the box is retained here and released exactly once, by the thread.
    let box = unsafe Unmanaged.passRetained(Box(name, body)).toOpaque()
    let status = unsafe pthread_create(
        &thread, nil,
        { raw in
            guard let raw = unsafe raw else { return nil }
            let box = unsafe Unmanaged<Box>.fromOpaque(raw).takeRetainedValue()
            unsafe CLinux_name_thread(String(box.name.prefix(15)))
            box.body()
            return nil
        }, box)
    precondition(status == 0, "cannot start the thread '\(name)': error \(status)")
    return thread
}

/// Starts a thread that nobody waits for.
func detachThread(_ body: @escaping @Sendable () -> Void) {
    pthread_detach(startThread("blocking", body))
}
