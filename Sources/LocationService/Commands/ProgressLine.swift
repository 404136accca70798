import RPCRuntime
import Transport

/// Carries progress from a command, which must not wait for a slow reader, to its caller.
final class ProgressLine<Progress: Message>: Sendable {
    private let stream: AsyncStream<Progress>
    private let line: AsyncStream<Progress>.Continuation

    /// Beyond `limit` messages that nobody has taken, the oldest are left out.
    init(limit: Int = 1000) {
        (stream, line) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(limit))
    }

    func tell(_ progress: Progress) { line.yield(progress) }

    /// Runs `body` and writes what is told meanwhile; returns when all of it is written.
    func relay<Result: Sendable>(
        to responses: MessageWriter<Progress>,
        _ body: @Sendable () async throws(RPCError) -> Result
    ) async throws(RPCError) -> Result {
        // The handler's own task writes; the command is the child that is cancelled with it.
        let (line, stream) = (line, stream)
        async let outcome = Self.run(line, body)
        do throws(RPCError) {
            for await progress in stream { try await responses.write(progress) }
        } catch {
            // The reader is gone; leaving the scope cancels the command.
            throw error
        }
        return try await outcome.get()
    }

    private static func run<Result: Sendable>(
        _ line: AsyncStream<Progress>.Continuation,
        _ body: @Sendable () async throws(RPCError) -> Result
    ) async -> Swift.Result<Result, RPCError> {
        defer { line.finish() }
        do throws(RPCError) { return .success(try await body()) } catch { return .failure(error) }
    }
}
