public import Testing
import Transport

/// Runs each test, and its child tasks, on a thread of its own.
///
/// Swift's pool has as many threads as the machine has cores. A simulated mesh, or any other long
/// computation, holds one of them to its end; tests that talk to peers in real time would wait for
/// the pool meanwhile, while the peers' times run out.
public struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    public var isRecursive: Bool { true }

    @concurrent public func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        // Of a suite and of a test with arguments, the cases get threads.
        guard testCase != nil else { return try await function() }
        let thread = WorkerThread(name: "test")
        let result: Result<Void, any Error> = await withTaskExecutorPreference(thread) {
            do { return .success(try await function()) } catch { return .failure(error) }
        }
        thread.shutdown()
        try result.get()
    }
}

extension Trait where Self == OwnThread {
    /// Runs each test on a thread of its own.
    public static var ownThread: OwnThread { OwnThread() }
}
