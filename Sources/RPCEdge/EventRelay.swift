import RPCRuntime
import Synchronization
import Transport

/// Hands the events of a call to the task that writes them, one at a time: the call goes on when its
/// event has been taken, so that a slow reader slows the server down.
final class EventRelay: Sendable {
    enum Next: Sendable {
        case event(HTTPRoute.Event)
        /// Nothing came in time.
        case nothing
        /// The call is over; nil where it ended well.
        case end(RPCError?)
    }

    private struct State: Sendable {
        var event: HTTPRoute.Event?
        var end: Next?
        /// Settled when there is something to read.
        var reader: OneShot<Bool>?
        /// Settled when the event has been taken.
        var writer: OneShot<Bool>?
    }

    private let loop: EventLoop
    private let state = Lock(State())

    init(on loop: EventLoop) { self.loop = loop }

    /// Runs a call whose events are read here.
    func carry(_ run: EventStream.Run) async {
        do throws(RPCError) {
            try await run { [self] (event) async throws(RPCError) in try await put(event) }
            finish(.end(nil))
        } catch {
            finish(.end(error))
        }
    }

    private func finish(_ end: Next) {
        let reader = state.withLock { state in
            state.end = end
            return state.reader.take()
        }
        reader?.settle(.success(true))
    }

    private func put(_ event: HTTPRoute.Event) async throws(RPCError) {
        let taken = OneShot<Bool>()
        do throws(TransportError) {
            _ = try await taken.value {
                let reader = state.withLock { state in
                    state.event = event
                    state.writer = taken
                    return state.reader.take()
                }
                reader?.settle(.success(true))
            }
        } catch {
            throw RPCError(.cancelled, "the client is gone")
        }
    }

    /// The next event, once; only for one task.
    func next(within patience: Duration) async -> Next {
        if let next = take() { return next }
        let arrived = OneShot<Bool>()
        do throws(TransportError) {
            _ = try await arrived.value {
                let isThere = state.withLock { state in
                    state.reader = arrived
                    return state.event != nil || state.end != nil
                }
                if isThere { arrived.settle(.success(true)) }
                loop.perform { [loop] in
                    if arrived.isSettled { return }
                    let time = loop.currentTime() &+ patience.clampedNanoseconds
                    let timer = loop.schedule(at: time) { arrived.settle(.success(false)) }
                    arrived.onSettled { loop.perform { loop.cancel(timer) } }
                }
            }
        } catch {
            return .end(RPCError(.cancelled, "the request was cancelled"))
        }
        return take() ?? .nothing
    }

    private func take() -> Next? {
        let (next, writer) = state.withLock { state -> (Next?, OneShot<Bool>?) in
            state.reader = nil
            if let event = state.event.take() { return (.event(event), state.writer.take()) }
            return (state.end, nil)
        }
        writer?.settle(.success(true))
        return next
    }
}
