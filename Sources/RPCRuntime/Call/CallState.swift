import Synchronization
public import Transport

/// What a connection keeps with a stream; used on the connection's loop only, but for the number
/// of the stream, which a task that is cancelled asks for.
@usableFromInline class CallState: Waiting {
    @usableFromInline final let connection: RPCConnection
    // Atomic, which costs less than a check of exclusive access.
    private final let number = Atomic<UInt32>(0)
    private final let time = Atomic<UInt64>(0)
    /// Tasks that wait until a message of theirs has left.
    final var writers: [Waiting] = []

    @usableFromInline init(_ connection: RPCConnection) { self.connection = connection }

    @usableFromInline final var stream: UInt32 {
        get { number.load(ordering: .relaxed) }
        set { number.store(newValue, ordering: .relaxed) }
    }

    /// When the call began, on the loop's clock.
    final var began: UInt64 {
        get { time.load(ordering: .relaxed) }
        set { time.store(newValue, ordering: .relaxed) }
    }

    /// Where messages of the other end go; nil for none.
    var sink: MessageSink? { nil }
    /// Whether messages wait for a reader, who gives their credit back.
    var holdsMessages: Bool { false }
    /// Takes a message; an error when it is not what is expected, and the call is to end.
    @usableFromInline func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? { nil }
    /// The handler, of a call that is served.
    var served: ServedCall? { nil }

    /// Has the writers look again.
    final func wakeWriters() {
        if writers.isEmpty { return }
        let waiting = writers
        writers = []
        for writer in waiting { writer.wake() }
    }
}

/// Where a task waits for a message of a stream to leave.
final class WriterWaiter: Waiting {
    private let connection: RPCConnection
    private let stream: UInt32

    init(_ connection: RPCConnection, _ stream: UInt32) {
        self.connection = connection
        self.stream = stream
    }

    override func cancelled() {
        let (connection, stream) = (self.connection, self.stream)
        connection.loop.execute { connection.attachment(of: stream)?.wakeWriters() }
    }
}

/// Where the messages of the other end go.
@usableFromInline class MessageSink: CallState {
    /// How the messages ended: in order, or with an error.
    @usableFromInline final var end: Result<Bool, RPCError>?
    /// How many messages came compressed.
    final var compressedCount = 0
    /// Where metadata of the answer is told, if the caller wants it.
    final var report: CallReport?

    override final var sink: MessageSink? { self }

    /// What is called; empty where only the caller knows.
    var methodName: String { "" }

    /// No more messages come: after an error, or in order.
    final func finish(_ error: RPCError?) {
        if end == nil { end = error.map { .failure($0) } ?? .success(true) }
        wakeWriters()
        wake()
    }

    /// The task that waits was cancelled: the call is given up.
    override func cancelled() {
        let (connection, stream) = (self.connection, self.stream)
        connection.loop.execute { connection.cancelCall(stream) }
    }
}

/// The one answer of a call, which its caller decodes.
///
/// Nearly always the caller's task runs while the answer is still where it arrived, and the sink
/// sees nothing of it. Sinks are used again for later calls of their connection; and they are not
/// generic, since the methods of a generic class are not specialised.
@usableFromInline final class UnarySink: MessageSink {
    private struct Answer {
        var bytes: [UInt8] = []
        /// The message instead, when it is large.
        var large: Assembly?
        var messageCount = 0
    }

    private let answer: LoopBound<Answer>

    override init(_ connection: RPCConnection) {
        answer = LoopBound(Answer(), on: connection.loop)
        super.init(connection)
    }

    /// The answer, once the call has ended well.
    @usableFromInline var bytes: [UInt8] { answer.withValue { $0.bytes } }

    override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        answer.withValue { answer in
            answer.messageCount += 1
            if answer.messageCount > 1 {
                return RPCError(
                    .unimplemented, "a call for one answer was answered with several messages")
            }
            answer.bytes.append(bytes, 0..<bytes.count)
            return nil
        }
    }

    /// Takes a large message, which its caller reads over several turns.
    func receive(_ parts: Assembly) -> RPCError? {
        let failure = receive(Span(), credit: 0)
        answer.withValue { $0.large = parts }
        return failure
    }

    /// The large message, if it is one.
    @usableFromInline func takeLarge() -> Assembly? { answer.withValue { $0.large.take() } }

    /// Makes the sink ready for another call; only once its call has ended.
    func reset() {
        answer.withValue { $0 = Answer() }
        end = nil
        report = nil
        compressedCount = 0
    }

    /// Checks that the call ended with a message.
    @inlinable func check(_ method: MethodDescriptor) throws(RPCError) {
        if case .success? = end, messageCountIsOne { return }
        throw failure(method)
    }

    @usableFromInline var messageCountIsOne: Bool { answer.withValue { $0.messageCount == 1 } }

    @usableFromInline func failure(_ method: MethodDescriptor) -> RPCError {
        if case .failure(var error)? = end {
            if error.hops.first?.method.isEmpty ?? false { error.hops[0].method = method.name }
            return error
        }
        return RPCError(.unimplemented, "\(method.name) was answered without a message")
    }
}

/// The messages of a stream on their way to its buffer.
@usableFromInline final class StreamSink: MessageSink {
    @usableFromInline typealias Accept = (Span<UInt8>, Int) -> DecodingFailure?

    private let method: MethodDescriptor
    /// Decodes a message into the call's buffer, with its credit.
    private let accept: Accept

    @usableFromInline init(
        _ connection: RPCConnection, _ method: MethodDescriptor, _ accept: @escaping Accept
    ) {
        self.method = method
        self.accept = accept
        super.init(connection)
    }

    override var holdsMessages: Bool { true }
    override var methodName: String { method.name }

    override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        if let failure = accept(bytes, credit) {
            return RPCError(.internal, "a message of \(method.name) cannot be read: \(failure)")
        }
        wake()
        return nil
    }
}

/// A handler that is under way.
final class ServedCall: CallState {
    var task: Task<Void, Never>?
    /// Where the messages of a stream of requests go.
    var requests: MessageSink?
    let handler: MethodHandler

    override var sink: MessageSink? { requests }
    override var served: ServedCall? { self }
    override var holdsMessages: Bool { requests?.holdsMessages ?? false }

    override func receive(_ bytes: Span<UInt8>, credit: Int) -> RPCError? {
        requests?.receive(bytes, credit: credit)
    }

    init(_ connection: RPCConnection, _ handler: MethodHandler) {
        self.handler = handler
        super.init(connection)
    }
}
