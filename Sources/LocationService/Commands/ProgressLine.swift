import RPCRuntime
import Transport

/// Carries progress from a command, which must not wait for a slow reader, to its caller.
final class ProgressLine<Progress: Message>: Sendable {
    private let stream: AsyncStream<Progress>
    private let line: AsyncStream<Progress>.Continuation

    /// Nothing is left out, as some of it is told nowhere else; what a command can tell is bounded
    /// by its request.
    init() { (stream, line) = AsyncStream.makeStream() }

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
