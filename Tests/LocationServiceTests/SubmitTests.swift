import MeshAPI
import RPCRuntime
import Synchronization
import Testing
import Transport

@testable import LocationService

/// A number that goes up and down, and the most that it was.
private final class Gauge: Sendable {
    private let state = Lock((now: 0, most: 0))

    var most: Int { state.withLock { $0.most } }

    func move(by count: Int) {
        state.withLock { state in
            state.now += count
            state.most = max(state.most, state.now)
        }
    }
}

@Suite struct SubmitTests {
    private func punch(_ device: Int, _ number: Int) -> Punch {
        Punch(
            device: "CK\(device)", user: "\(number)", resolvedUser: "\(number)",
            localTime: "2025-01-06T08:00:00", verify: 1, source: .live,
            receivedAt: Timestamp(seconds: 1_736_000_000) ?? Timestamp())
    }

    @Test func `what many submit at the same time is stored, and each is told its own numbers`()
        async throws
    {
        let fixture = try StoreFixture()
        try await fixture.with { store in
            let results = try await withThrowingTaskGroup(of: IngestResult.self) { group in
                for device in 0..<50 {
                    group.addTask {
                        var result = IngestResult()
                        for number in 0..<20 {
                            // Each is submitted twice: once it is new and once it is known.
                            let batch = [punch(device, number)]
                            result += try await store.submit(batch)
                            result += try await store.submit(batch)
                        }
                        return result
                    }
                }
                var results: [IngestResult] = []
                for try await result in group { results.append(result) }
                return results
            }
            #expect(results.count == 50)
            #expect(results.allSatisfy { $0 == IngestResult(new: 20, known: 20) })
            #expect(await store.lastSequence == 1000)
            #expect(try await store.submit([]) == IngestResult())
        }
    }

    @Test func `a pending list is taken oldest first and in bounded parts`() {
        let pending = PendingPunches()
        for count in [3, 4, 5, 20, 1] { _ = pending.add((0..<count).map { punch(1, $0) }) }
        #expect(pending.take(8).map(\.punches.count) == [3, 4])
        // One that is larger than a part comes alone.
        #expect(pending.take(4).map(\.punches.count) == [5])
        #expect(pending.take(8).map(\.punches.count) == [20])
        #expect(pending.take(8).map(\.punches.count) == [1])
        #expect(pending.take(8).isEmpty)
    }

    @Test func `whole logs are read a few at a time, and who gives up takes no place`() async throws
    {
        let loop = EventLoop(name: "test")
        defer { loop.shutdown() }
        let limiter = ReadLimiter(2)
        let gauge = Gauge()
        await withTaskGroup { group in
            for number in 0..<20 {
                let task = Task {
                    guard try await limiter.take(within: .seconds(60), on: loop) else { return }
                    gauge.move(by: 1)
                    await Task.yield()
                    gauge.move(by: -1)
                    limiter.leave()
                }
                if number % 3 == 0 { task.cancel() }
                group.addTask { _ = await task.result }
            }
        }
        #expect(gauge.most <= 2)
        // All places are free again, and who waits in vain is told so and takes none.
        #expect(try await limiter.take(within: .seconds(60), on: loop))
        #expect(try await limiter.take(within: .seconds(60), on: loop))
        #expect(try await !limiter.take(within: .milliseconds(5), on: loop))
        limiter.leave()
        #expect(try await limiter.take(within: .seconds(60), on: loop))
    }
}
