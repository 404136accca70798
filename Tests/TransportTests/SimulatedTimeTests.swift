import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Transport

/// A loop without a thread.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct SimulatedTimeTests {
    @Test func `an hour of sleep takes no time, and ends when it should`() throws {
        let time = SimulatedTime()
        let loop = time.loop
        let woke = Shared<[UInt64]>([])
        let start = time.now
        time.perform {
            for minutes in [60, 1, 30] {
                Task.immediate(executorPreference: loop) {
                    try? await loop.sleep(for: .seconds(60 * minutes))
                    woke.withLock { $0.append(loop.currentTime()) }
                }
            }
        }
        while time.settle(), let next = time.next { time.advance(to: next) }
        let minute: UInt64 = 60_000_000_000
        #expect(woke.withLock { $0 } == [start + minute, start + 30 * minute, start + 60 * minute])
        #expect(time.timerCount == 0)
        #expect(!time.hasStrayed)
    }

    @Test func `timers of one moment run in the order in which they were set`() {
        let time = SimulatedTime()
        let order = Shared<[Int]>([])
        let due = time.now + 5
        time.perform {
            for number in 0..<100 {
                time.loop.schedule(at: due) { order.withLock { $0.append(number) } }
            }
        }
        time.advance(to: due)
        #expect(time.settle())
        #expect(order.withLock { $0 } == Array(0..<100))
    }

    @Test func `tasks, groups and actors stay on the loop`() {
        actor Counter {
            var count = 0
            func add() -> Int {
                count += 1
                return count
            }
        }
        let time = SimulatedTime()
        let loop = time.loop
        let places = Shared<[Bool]>([])
        time.perform {
            Task.immediate(executorPreference: loop) {
                let counter = Counter()
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<10 {
                        group.addTask {
                            _ = await counter.add()
                            await Task.yield()
                            places.withLock { $0.append(loop.isCurrent) }
                        }
                    }
                }
            }
        }
        #expect(time.settle())
        #expect(places.withLock { $0 } == Array(repeating: true, count: 10))
        #expect(!time.hasStrayed)
    }

    private final class Shared<Value: Sendable>: Sendable {
        private let value: Lock<Value>
        init(_ value: Value) { self.value = Lock(value) }
        func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
            value.withLock { body(&$0) }
        }
    }

    @Test func `a task that never rests does not hold the loop for ever`() {
        let time = SimulatedTime()
        let isDone = Shared(false)
        time.perform {
            Task.immediate(executorPreference: time.loop) {
                while !isDone.withLock({ $0 }) { await Task.yield() }
            }
        }
        #expect(!time.settle(steps: 10_000))
        isDone.withLock { $0 = true }
        #expect(time.settle())
    }

    @Test func `work from another thread in a turn is noticed`() {
        let time = SimulatedTime()
        let loop = time.loop
        time.perform {
            let thread = startThread("stray") { loop.execute {} }
            pthread_join(thread, nil)
        }
        #expect(time.hasStrayed)
        // Work from outside of a turn comes in order.
        let calm = SimulatedTime()
        calm.loop.execute {}
        #expect(calm.settle())
        #expect(!calm.hasStrayed)
    }
}
