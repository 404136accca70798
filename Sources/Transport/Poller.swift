import CLinux
import Glibc

/// What a loop calls when a descriptor is ready.
protocol Pollable: AnyObject {
    func handle(events: UInt32)
    func close(_ error: TransportError)
}

/// The kernel's side of a loop: epoll, the descriptors that it watches, and what wakes it.
final class Poller: @unchecked Sendable {
    // Safe because `signal()` uses only what never changes, and everything else is called on the
    // loop's own thread.

    private struct Registration {
        var generation: UInt32 = 0
        var target: (any Pollable)?
    }

    private let epoll: Descriptor
    private let wake: Descriptor
    private var registrations: [Registration] = []
    private var generation: UInt32 = 0
    private var events = [CLinux_event](repeating: CLinux_event(), count: 256)

    init() {
        epoll = Descriptor(owning: epoll_create1(Int32(EPOLL_CLOEXEC)))
        wake = Descriptor(owning: eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)))
        let added = register(wake.number, UInt32(EPOLLIN.rawValue), generation: 0)
        precondition(added == 0, "epoll does not take an eventfd")
    }

    /// Ends a wait, from any thread.
    func signal() {
        var one: UInt64 = 1
        // Safe because the eventfd takes exactly the 8 bytes given.
        _ = unsafe write(wake.number, &one, 8)
    }

    /// Watches a descriptor; the registration's number keeps late events from a later owner of
    /// the same descriptor number.
    func add(_ target: any Pollable, _ descriptor: Int32, events: UInt32) -> UInt32 {
        // 0 is the loop's own eventfd.
        generation = generation == .max ? 1 : generation + 1
        let index = Int(descriptor)
        while registrations.count <= index { registrations.append(Registration()) }
        registrations[index] = Registration(generation: generation, target: target)
        let status = register(descriptor, events, generation: generation)
        precondition(status == 0, "epoll_ctl(ADD) failed: error \(errno)")
        return generation
    }

    func modify(_ descriptor: Int32, events: UInt32, generation: UInt32) {
        let status = CLinux_epoll_ctl(
            epoll.number, Int32(EPOLL_CTL_MOD), descriptor, events,
            UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)))
        precondition(status == 0, "epoll_ctl(MOD) failed: error \(errno)")
    }

    func remove(_ descriptor: Int32) {
        registrations[Int(descriptor)] = Registration()
        _ = CLinux_epoll_ctl(epoll.number, Int32(EPOLL_CTL_DEL), descriptor, 0, 0)
    }

    private func register(_ descriptor: Int32, _ events: UInt32, generation: UInt32) -> Int32 {
        CLinux_epoll_ctl(
            epoll.number, Int32(EPOLL_CTL_ADD), descriptor, events,
            UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)))
    }

    /// Waits until descriptors are ready; how many.
    ///
    /// - Parameter milliseconds: The longest wait; -1 for no limit.
    func wait(_ milliseconds: Int32) -> Int {
        // Safe because the shim writes at most 256 events, which is the array's length.
        let count = unsafe CLinux_epoll_wait(epoll.number, &events, milliseconds)
        precondition(count >= 0 || count == -EINTR, "epoll_wait failed: error \(-count)")
        return Int(max(count, 0))
    }

    /// Tells the owners of the first `count` descriptors of the last wait.
    func dispatch(_ count: Int) {
        for index in 0..<count { dispatch(events[index]) }
    }

    private func dispatch(_ event: CLinux_event) {
        let descriptor = Int(UInt32(truncatingIfNeeded: event.data))
        let generation = UInt32(truncatingIfNeeded: event.data >> 32)
        if generation == 0 {
            var count: UInt64 = 0
            // Safe because the eventfd gives exactly the 8 bytes of room.
            _ = unsafe read(wake.number, &count, 8)
            return
        }
        guard descriptor < registrations.count,
            registrations[descriptor].generation == generation,
            let target = registrations[descriptor].target
        else { return }
        target.handle(events: event.events)
    }

    /// Closes everything that is watched.
    func closeAll(_ error: TransportError) {
        for index in registrations.indices { registrations[index].target?.close(error) }
    }
}
